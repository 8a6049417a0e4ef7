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
 * The WebSocket of one NGClient window. The HTTP session does not time out
 * while a window is open; a window without a session is told to reload.
 */
public final class WindowSocket extends Endpoint {

    private static final String HTTP_SESSION = "http-session";
    private static final String WINDOWS = "windows";
    private static final String TIMEOUT = "timeout";

    private HttpSession http;
    private Session socket;

    @Override
    public void onOpen(Session opened, EndpointConfig config) {
        socket = opened;
        http = (HttpSession) config.getUserProperties().get(HTTP_SESSION);
        if (http != null) {
            countWindow(1);
        }
        socket.addMessageHandler(new MessageHandler.Whole<String>() {
            @Override
            public void onMessage(String text) {
                answer(text);
            }
        });
        Map<String, Object> message = message(http == null ? "reload" : "open");
        message.putAll(socket.getPathParameters());
        send(message);
    }

    @Override
    public void onClose(Session closed, CloseReason reason) {
        if (http != null) {
            countWindow(-1);
        }
    }

    @Override
    public void onError(Session failed, Throwable cause) {
        // a client that went away: onClose follows
    }

    private void answer(String text) {
        if (text.equals("close")) {
            try {
                socket.close();
            } catch (IOException e) {
                onError(socket, e);
            }
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

    private void countWindow(int change) {
        try {
            synchronized (http.getId().intern()) {
                Integer before = (Integer) http.getAttribute(WINDOWS);
                int windows = (before == null ? 0 : before) + change;
                if (before == null || before == 0) {
                    http.setAttribute(TIMEOUT, http.getMaxInactiveInterval());
                }
                http.setAttribute(WINDOWS, windows);
                http.setMaxInactiveInterval(windows > 0 ? -1 : (Integer) http.getAttribute(TIMEOUT));
            }
        } catch (IllegalStateException e) {
            http = null; // logged out meanwhile
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
