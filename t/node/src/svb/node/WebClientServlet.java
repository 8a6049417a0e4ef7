package svb.node;

import java.io.IOException;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpSession;

/** The Web Client: every request belongs to the HTTP session. */
public final class WebClientServlet extends ClientServlet {

    private static final long serialVersionUID = 1L;

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        HttpSession session = count(request, response);
        String top = request.getContextPath();
        String here = top + request.getServletPath() + (request.getPathInfo() == null ? "" : request.getPathInfo());
        Page.send(response, "Web Client on " + Node.NAME,
                "<dl>\n" + Page.fact("node", "node", Node.NAME)
                        + Page.fact("session", "session", session.getId())
                        + Page.fact("count", "requests of this client", session.getAttribute(COUNT))
                        + Page.fact("path", "path", here) + "</dl>\n<p>"
                        + link(response, here, "Again")
                        + link(response, top + "/login", "Log in (new session id)")
                        + link(response, top + "/logout", "Log out") + "</p>");
    }

    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
        request.getInputStream().readAllBytes();
        doGet(request, response);
    }

    private static String link(HttpServletResponse response, String path, String text) {
        return "<a href=\"" + Page.escape(response.encodeURL(path)) + "\">" + text + "</a>";
    }
}
