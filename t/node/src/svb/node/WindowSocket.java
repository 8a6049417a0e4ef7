package svb.node;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

import jakarta.servlet.ServletContextEvent;
import jakarta.servlet.ServletContextListener;
import jakarta.servlet.http.HttpSession;
import jakarta.websocket.CloseReason;
import jakarta.websocket.DeploymentException;
import jakarta.websocket.Endpoint;
import jakarta.websocket.EndpointConfig;
import jakarta.websocket.HandshakeResponse;
import jakarta.websocket.MessageHandler;
import jakarta.websocket.Session;
import jakarta.websocket.server.HandshakeRequest;
import jakarta.websocket.server.ServerContainer;
import jakarta.websocket.server.ServerEndpointConfig;

/**
 * The WebSocket of one NGClient window, one of its session's {@link Windows}. Without
 * a live session it is opened as well, to be told so: "reload", and the code 1003.
 */
public final class WindowSocket extends Endpoint {

    private static final String HTTP_SESSION = "http-session";

    /** Both null where there is no live session. */
    private HttpSession http;
    private Windows windows;
    private Session socket;

    @Override
    public void onOpen(Session opened, EndpointConfig config) {
        socket = opened;
        bind((HttpSession) config.getUserProperties().get(HTTP_SESSION));
        socket.addMessageHandler(new MessageHandler.Whole<String>() {
            @Override
            public void onMessage(String text) {
                answer(text);
            }
        });
        Map<String, Object> message = message(http == null ? "reload" : "open");
        message.putAll(socket.getPathParameters());
        send(message);
        if (http == null) {
            close(new CloseReason(CloseReason.CloseCodes.CANNOT_ACCEPT, "no session"));
        }
    }

    @Override
    public void onClose(Session closed, CloseReason reason) {
        if (windows != null) {
            windows.close(http);
        }
    }

    @Override
    public void onError(Session failed, Throwable cause) {
        // a client that went away: onClose follows
    }

    private void answer(String text) {
        if (text.equals("close")) {
            close(new CloseReason(CloseReason.CloseCodes.NORMAL_CLOSURE, ""));
            return;
        }
        Map<String, Object> message = message("echo");
        message.put("text", text);
        send(message);
    }

    private Map<String, Object> message(String event) {
        Map<String, Object> message = new LinkedHashMap<>();
        message.put("event", event);
        message.put("node", Node.NAME);
        message.put("session", http == null ? null : http.getId());
        return message;
    }

    private void send(Map<String, Object> message) {
        try {
            socket.getBasicRemote().sendText(Json.text(message));
        } catch (IOException e) {
            onError(socket, e);
        }
    }

    private void close(CloseReason reason) {
        try {
            socket.close(reason);
        } catch (IOException e) {
            onError(socket, e);
        }
    }

    private void bind(HttpSession session) {
        try {
            windows = session == null ? null : Windows.open(session);
            http = session;
        } catch (IllegalStateException e) {
            http = null; // it has just ended
        }
    }

    /** Hands the HTTP session of the handshake to the endpoint. */
    public static final class Binder extends ServerEndpointConfig.Configurator {
        @Override
        public void modifyHandshake(ServerEndpointConfig config, HandshakeRequest request,
                HandshakeResponse response) {
            if (request.getHttpSession() != null) {
                config.getUserProperties().put(HTTP_SESSION, request.getHttpSession());
            }
        }
    }

    /** Registers the endpoint; no class scanning is needed for it. */
    public static final class Registrar implements ServletContextListener {
        @Override
        public void contextInitialized(ServletContextEvent event) {
            ServerContainer container = (ServerContainer) event.getServletContext()
                    .getAttribute(ServerContainer.class.getName());
            try {
                container.addEndpoint(ServerEndpointConfig.Builder
                        .create(WindowSocket.class, "/websocket/{client}/{window}/{windownr}")
                        .configurator(new Binder()).build());
            } catch (DeploymentException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
