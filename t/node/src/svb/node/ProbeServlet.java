package svb.node;

import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;

import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

/**
 * Answers that tests ask for. None has a session, unless the query holds
 * session=1: then it is counted as a client's request.
 *
 *   /slow?ms=N[&flush=1]     after N ms; with flush the head is sent at once
 *   /status/CODE[?text=T]    that status, and T as its body
 *   /echo                    the request as the node saw it
 */
public final class ProbeServlet extends HttpServlet {

    private static final long serialVersionUID = 1L;

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String query = request.getQueryString() == null ? "" : "&" + request.getQueryString() + "&";
        if (query.contains("&session=1&")) {
            ClientServlet.count(request, response);
        }
        switch (request.getServletPath()) {
            case "/slow" -> slow(request, response);
            case "/status" -> status(request, response);
            default -> Json.send(response, seen(request));
        }
    }

    private static void slow(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String ms = request.getParameter("ms");
        response.setContentType("text/plain");
        if (request.getParameter("flush") != null) {
            response.flushBuffer();
        }
        try {
            Thread.sleep(ms == null ? 0 : Long.parseLong(ms));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        response.getWriter().println("slow " + ms);
    }

    private static void status(HttpServletRequest request, HttpServletResponse response) throws IOException {
        int status = Integer.parseInt(request.getPathInfo().substring(1));
        String text = request.getParameter("text");
        response.setStatus(status);
        if (status != 204 && status != 304) {
            response.setContentType("text/plain");
            response.getWriter().println(text == null ? "status " + status : text);
        }
    }

    /** A request, as the node sees it. */
    static Map<String, Object> seen(HttpServletRequest request) throws IOException {
        Map<String, Object> headers = new LinkedHashMap<>();
        for (String name : Collections.list(request.getHeaderNames())) {
            headers.put(name.toLowerCase(), Collections.list(request.getHeaders(name)));
        }
        Map<String, Object> attributes = new LinkedHashMap<>();
        attributes.put("JK_LB_ACTIVATION", request.getAttribute("JK_LB_ACTIVATION"));
        byte[] body = request.getInputStream().readAllBytes();
        Map<String, Object> seen = new LinkedHashMap<>();
        seen.put("node", Node.NAME);
        seen.put("method", request.getMethod());
        seen.put("uri", request.getRequestURI());
        seen.put("query", request.getQueryString());
        seen.put("protocol", request.getProtocol());
        seen.put("scheme", request.getScheme());
        seen.put("secure", request.isSecure());
        seen.put("serverName", request.getServerName());
        seen.put("serverPort", request.getServerPort());
        seen.put("remoteAddr", request.getRemoteAddr());
        seen.put("requestedSession", request.getRequestedSessionId());
        seen.put("requestedSessionValid", request.isRequestedSessionIdValid());
        seen.put("headers", headers);
        seen.put("attributes", attributes);
        seen.put("length", body.length);
        seen.put("sha1", sha1(body));
        return seen;
    }

    private static String sha1(byte[] body) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(body));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
