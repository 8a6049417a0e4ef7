package svb.node;

import java.io.IOException;

import jakarta.servlet.http.Cookie;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpSession;

/** /login gives the client another session id, /logout ends its session. */
public final class AccountServlet extends ClientServlet {

    private static final long serialVersionUID = 1L;

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        if (request.getServletPath().equals("/login")) {
            login(request, response);
        } else {
            logout(request, response);
        }
    }

    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
        doGet(request, response);
    }

    private static void login(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String before = Node.session(request).getId();
        request.changeSessionId();
        HttpSession session = count(request, response);
        response.setHeader("X-Session-Before", before);
        Page.send(response, "Logged in on " + Node.NAME,
                "<dl>\n" + Page.fact("before", "session before", before)
                        + Page.fact("session", "session now", session.getId()) + "</dl>\n"
                        + link(request, "Back"));
    }

    private static void logout(HttpServletRequest request, HttpServletResponse response) throws IOException {
        HttpSession session = request.getSession(false);
        if (session != null) {
            session.invalidate();
        }
        Cookie expired = new Cookie("JSESSIONID", "");
        expired.setPath(request.getContextPath().isEmpty() ? "/" : request.getContextPath());
        expired.setMaxAge(0);
        response.addCookie(expired);
        Page.send(response, "Logged out on " + Node.NAME,
                link(request, "Start again"));
    }

    private static String link(HttpServletRequest request, String text) {
        return "<p><a href=\"" + Page.escape(request.getContextPath()) + "/servoy-webclient/\">" + text + "</a></p>";
    }
}
