package svb.node;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

/**
 * REST: /servoy-service/rest_ws/solution/form[/…], any method. No client and never a
 * session; maintenance does not concern it.
 *
 *   ?status=N[&text=T]   that status; 503 as if all headless clients were busy
 */
public final class RestServlet extends HttpServlet {

    private static final long serialVersionUID = 1L;

    private static final Pattern PATH = Pattern.compile("/rest_ws/([^/]+)/([^/]+)(/.*)?");

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Refusal refusal = Node.refusal;
        if (refusal != null) {
            refusal.send(response);
            return;
        }
        Matcher path = PATH.matcher(String.valueOf(request.getPathInfo()));
        if (!path.matches()) {
            response.sendError(404);
            return;
        }
        int length = request.getInputStream().readAllBytes().length;
        String status = request.getParameter("status");
        if (status != null) {
            String text = request.getParameter("text");
            Page.sendText(response, Integer.parseInt(status), text == null ? "too many clients" : text);
            return;
        }
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("node", Node.NAME);
        answer.put("method", request.getMethod());
        answer.put("solution", path.group(1));
        answer.put("form", path.group(2));
        answer.put("rest", path.group(3));
        answer.put("length", length);
        Json.send(response, answer);
    }
}
