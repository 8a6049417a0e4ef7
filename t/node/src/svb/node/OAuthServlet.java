package svb.node;

import java.io.IOException;
import java.math.BigInteger;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

/**
 * Login by somebody else's word. What the node has to remember meanwhile it keeps in its
 * memory, without any session, and for half an hour: no other node has it.
 *
 *   /oauth/start?solution=S    sends the user to the identity provider, with a state
 *   /oauth/callback?state=…    as the provider sends the user back, by GET or a form's
 *                              POST: the session begins, and the start page is next.
 *                              400 where the node does not know the state
 */
public final class OAuthServlet extends ClientServlet {

    private static final long serialVersionUID = 1L;

    private static final String PROVIDER = "https://idp.example.com/authorize";

    private static final long NANOS = TimeUnit.SECONDS.toNanos(Integer.getInteger("demo.loginSeconds", 1800));

    private static final SecureRandom RANDOM = new SecureRandom();

    /** Logins under way, by their states. */
    private static final Map<String, Login> LOGINS = new ConcurrentHashMap<>();

    /** What for, and when it began, by System.nanoTime. */
    private record Login(String solution, long began) {
        boolean isTooOld() {
            return System.nanoTime() - began > NANOS;
        }
    }

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        switch (String.valueOf(request.getPathInfo())) {
            case "/start" -> start(request, response);
            case "/callback" -> callback(request, response);
            default -> response.sendError(404);
        }
    }

    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
        doGet(request, response);
    }

    private static void start(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String solution = request.getParameter("solution");
        String state = new BigInteger(160, RANDOM).toString(36);
        LOGINS.values().removeIf(Login::isTooOld);
        LOGINS.put(state, new Login(solution == null ? "crm" : solution, System.nanoTime()));
        StringBuffer back = request.getRequestURL();
        back.replace(back.length() - "start".length(), back.length(), "callback");
        response.setHeader("Cache-Control", "no-store");
        response.sendRedirect(PROVIDER + "?response_type=code&state=" + state
                + "&redirect_uri=" + encode(back.toString()));
    }

    private static void callback(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String state = request.getParameter("state");
        Login login = state == null ? null : LOGINS.remove(state);
        if (login == null || login.isTooOld()) {
            Page.sendText(response, 400, "unknown state");
            return;
        }
        count(request, response);
        response.sendRedirect(request.getContextPath() + "/solution/" + encode(login.solution()) + "/index.html");
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
