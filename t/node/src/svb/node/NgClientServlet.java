package svb.node;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpSession;

/**
 * The NGClient's first page, by GET or POST; all else goes through {@link WindowSocket}.
 * Solutions whose name begins with "secure" want a login: who has no session gets a form,
 * and no session; what that form posts begins it.
 */
public final class NgClientServlet extends ClientServlet {

    private static final long serialVersionUID = 1L;

    private static final AtomicInteger CLIENTS = new AtomicInteger();

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        if (request.getPathInfo() == null || !request.getPathInfo().matches("/[^/]+/index\\.html")) {
            response.sendError(404);
            return;
        }
        if (isLoginWanted(request)) {
            sendForm(request, response);
            return;
        }
        HttpSession session = count(request, response);
        String top = request.getContextPath();
        String socket = response.encodeURL(top + "/websocket/" + CLIENTS.incrementAndGet() + "/main/1");
        Page.send(response, "NGClient on " + Node.NAME,
                "<dl>\n" + Page.fact("node", "node of this page", Node.NAME)
                        + Page.fact("session", "session", session.getId())
                        + Page.fact("state", "WebSocket", "closed")
                        + Page.fact("socketnode", "node of the WebSocket", "") + "</dl>\n"
                        + "<p><button id=\"say\">Say something</button></p>\n<pre id=\"log\"></pre>\n"
                        + "<script src=\"" + Page.escape(top) + "/resources/x.js\""
                        + " data-socket=\"" + Page.escape(socket) + "\"></script>");
    }

    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
        doGet(request, response);
    }

    private static boolean isLoginWanted(HttpServletRequest request) {
        return request.getPathInfo().startsWith("/secure") && !request.getMethod().equals("POST")
                && request.getSession(false) == null;
    }

    private static void sendForm(HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.setHeader("Cache-Control", "no-store");
        Page.send(response, "Log in at " + Node.NAME,
                "<form method=\"post\" action=\"" + Page.escape(request.getRequestURI()) + "\">\n"
                        + "<p><input name=\"username\"> <input name=\"password\" type=\"password\">"
                        + " <button>Log in</button></p>\n</form>");
    }
}
