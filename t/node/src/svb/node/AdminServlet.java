package svb.node;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

import org.apache.catalina.Manager;
import org.apache.catalina.Session;
import org.apache.catalina.ha.CatalinaCluster;

/**
 * What a test asks or tells a node, directly and not through a proxy.
 *
 *   /admin/sessions              sessions of the context that are alive: their ids; how many
 *                                had a window (windowed), how many are others (web); how
 *                                many windows are open. The maintenance switch, peers
 *   /admin/maintenance[?on=1|0]  the maintenance switch
 *   /admin/refusal[?status=N[&text=T][&how=H]]
 *                                what new clients get instead, see Refusal; 0: nothing
 *   /admin/requests[?reset=1]    requests per path since the start or reset
 *   /admin/reports               what Smart Clients reported
 */
public final class AdminServlet extends HttpServlet {

    private static final long serialVersionUID = 1L;

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        switch (String.valueOf(request.getPathInfo())) {
            case "/sessions" -> Json.send(response, sessions((Manager) request.getAttribute(NodeValve.MANAGER)));
            case "/maintenance" -> Json.send(response, maintenance(request.getParameter("on")));
            case "/refusal" -> Json.send(response, refusal(request));
            case "/requests" -> Json.send(response, requests(request.getParameter("reset")));
            case "/reports" -> Json.send(response, Node.REPORTS);
            default -> response.sendError(404);
        }
    }

    /** Looks at each session, so that those which timed out are not counted. */
    private static Map<String, Object> sessions(Manager manager) {
        List<String> ids = new ArrayList<>();
        int windowed = 0;
        int open = 0;
        for (Session session : manager.findSessions()) {
            if (session.isValid()) {
                Windows windows = Windows.of(session.getSession());
                ids.add(session.getIdInternal());
                windowed += windows == null ? 0 : 1;
                open += windows == null ? 0 : windows.count();
            }
        }
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("node", Node.NAME);
        answer.put("route", System.getProperty("demo.route", ""));
        answer.put("maintenance", Node.maintenance);
        answer.put("activeSessions", ids.size());
        answer.put("windowed", windowed);
        answer.put("web", ids.size() - windowed);
        answer.put("windows", open);
        answer.put("sessions", ids);
        answer.put("peers", peers(manager));
        return answer;
    }

    /** How many other nodes this one shares its sessions with now. */
    private static int peers(Manager manager) {
        return manager.getContext().getCluster() instanceof CatalinaCluster cluster
                ? cluster.getMembers().length : 0;
    }

    private static Map<String, Object> maintenance(String on) {
        if (on != null) {
            Node.maintenance = on.equals("1");
        }
        return Map.of("maintenance", Node.maintenance);
    }

    private static Map<String, Object> refusal(HttpServletRequest request) {
        if (request.getParameter("status") != null) {
            Node.refusal = Refusal.of(request);
        }
        return Map.of("running", Refusal.RUNNING.get(), "cut", Refusal.CUT.get());
    }

    private static Map<String, Object> requests(String reset) {
        Map<String, Object> answer = new LinkedHashMap<>(Node.requests());
        if (reset != null) {
            Node.forgetRequests();
        }
        return answer;
    }
}
