package svb.node;

import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

/**
 * Launches of the Smart Client: /servoy-client/[profile/]solution.jnlp. The
 * client talks to the codebase, which is made from the request's Host.
 */
public final class JnlpServlet extends ClientServlet {

    private static final long serialVersionUID = 1L;

    private static final Map<String, String> LONG_NAMES = Map.of("m", "method", "a", "argument");

    @Override
    boolean isBoundToSession() {
        return false;
    }

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String path = request.getPathInfo();
        if (path == null || !path.matches("/([^/]+/)?[^/]+\\.jnlp")) {
            response.sendError(404);
            return;
        }
        String[] parts = path.substring(1, path.length() - ".jnlp".length()).split("/");
        String query = request.getQueryString();
        StringBuilder arguments = new StringBuilder();
        argument(arguments, "solution", parts[parts.length - 1]);
        if (parts.length > 1) {
            argument(arguments, "profile", parts[0]);
        }
        for (String pair : query == null ? new String[0] : query.split("&")) {
            String[] nameValue = pair.split("=", 2);
            String name = decode(nameValue[0]);
            argument(arguments, LONG_NAMES.getOrDefault(name, name),
                    nameValue.length > 1 ? decode(nameValue[1]) : "");
        }
        response.setContentType("application/x-java-jnlp-file");
        response.setCharacterEncoding("UTF-8");
        response.setHeader("Cache-Control", "no-store");
        response.getWriter().print("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                + "<jnlp spec=\"1.0+\" codebase=\"" + Page.escape(codebase(request)) + "\" href=\""
                + Page.escape(request.getRequestURI().substring(1) + (query == null ? "" : "?" + query)) + "\">\n"
                + "  <information>\n    <title>Smart Client on " + Page.escape(Node.NAME) + "</title>\n"
                + "    <vendor>demo</vendor>\n  </information>\n"
                + "  <security><all-permissions/></security>\n"
                + "  <resources>\n    <j2se version=\"1.8+\"/>\n"
                + "    <jar href=\"lib/democlient.jar\" main=\"true\"/>\n  </resources>\n"
                + "  <application-desc main-class=\"svb.client.DemoClient\">\n" + arguments
                + "  </application-desc>\n</jnlp>\n");
    }

    private static String codebase(HttpServletRequest request) {
        String override = System.getProperty("servoy.jnlpCodebaseOverride");
        if (override != null && !override.isEmpty()) {
            return override;
        }
        String host = request.getHeader("Host");
        return request.getScheme() + "://" + (host == null ? request.getServerName() : host) + "/";
    }

    private static void argument(StringBuilder out, String name, String value) {
        out.append("    <argument>").append(Page.escape(name + "=" + value)).append("</argument>\n");
    }

    private static String decode(String text) {
        return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }
}
