package svb.node;

import java.io.IOException;

import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpSession;

/**
 * A URL at which clients start. A node in maintenance starts none: 503 to a
 * request without a session, while those that have one are served on.
 */
abstract class ClientServlet extends HttpServlet {

    private static final long serialVersionUID = 1L;

    static final String COUNT = "count";

    /** Whether a session lets a request pass in maintenance. */
    boolean isBoundToSession() {
        return true;
    }

    @Override
    protected final void service(HttpServletRequest request, HttpServletResponse response)
            throws ServletException, IOException {
        boolean known = isBoundToSession() && request.getSession(false) != null;
        Refusal refusal = Node.maintenance ? Refusal.MAINTENANCE : Node.refusal;
        if (refusal != null && !known) {
            refusal.send(response);
            return;
        }
        super.service(request, response);
    }

    /** Counts a request of the client's, says so in the answer's headers. */
    static HttpSession count(HttpServletRequest request, HttpServletResponse response) {
        HttpSession session = Node.session(request);
        Integer before = (Integer) session.getAttribute(COUNT);
        int count = before == null ? 1 : before + 1;
        session.setAttribute(COUNT, count);
        response.setHeader("X-Session", session.getId());
        response.setHeader("X-Session-New", session.isNew() ? "1" : "0");
        response.setHeader("X-Count", Integer.toString(count));
        response.setHeader("Cache-Control", "no-store");
        return session;
    }
}
