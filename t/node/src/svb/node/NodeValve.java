package svb.node;

import java.io.IOException;

import jakarta.servlet.ServletException;

import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;

/**
 * What has to be done for each request and below the Servlet API: naming the
 * node in the answer, counting, and keeping /admin to direct connections.
 */
public final class NodeValve extends ValveBase {

    /** Request attribute: the context's session manager, for {@link AdminServlet}. */
    static final String MANAGER = "svb.node.manager";

    public NodeValve() {
        super(true);
    }

    @Override
    public void invoke(Request request, Response response) throws IOException, ServletException {
        String path = request.getDecodedRequestURI();
        response.setHeader("X-Node", Node.NAME);
        if (!isAdmin(request, path)) {
            Node.countRequest(path == null ? "" : path);
        } else if (isDirect(request)) {
            request.setAttribute(MANAGER, request.getContext().getManager());
        } else {
            response.sendError(404);
            return;
        }
        getNext().invoke(request, response);
    }

    /** In whatever context. */
    private static boolean isAdmin(Request request, String path) {
        return path != null && request.getContext() != null
                && path.startsWith(request.getContext().getPath() + "/admin/");
    }

    /** HTTP on loopback, and no proxy in between. */
    private static boolean isDirect(Request request) {
        return !request.getConnector().getProtocolHandlerClassName().contains("ajp")
                && request.getHeader("X-Forwarded-For") == null
                && "127.0.0.1".equals(request.getRemoteAddr());
    }
}
