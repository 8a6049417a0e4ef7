package svb.node;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpSession;

/** The NGClient's first page; all else goes through {@link WindowSocket}. */
public final class NgClientServlet extends ClientServlet {

    private static final long serialVersionUID = 1L;

    private static final AtomicInteger CLIENTS = new AtomicInteger();

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        if (request.getPathInfo() == null || !request.getPathInfo().matches("/[^/]+/index\\.html")) {
            response.sendError(404);
            return;
        }
        HttpSession session = count(request, response);
        String socket = response.encodeURL("/websocket/" + CLIENTS.incrementAndGet() + "/main/1");
        Page.send(response, "NGClient on " + Node.NAME,
                "<dl>\n" + Page.fact("node", "node of this page", Node.NAME)
                        + Page.fact("session", "session", session.getId())
                        + Page.fact("state", "WebSocket", "closed")
                        + Page.fact("socketnode", "node of the WebSocket", "") + "</dl>\n"
                        + "<p><button id=\"say\">Say something</button></p>\n<pre id=\"log\"></pre>\n"
                        + "<script src=\"/resources/x.js\" data-socket=\"" + Page.escape(socket) + "\"></script>");
    }
}
