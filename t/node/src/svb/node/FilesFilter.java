package svb.node;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Collections;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

/**
 * Files under /files, as Tomcat serves them, but for what the query asks:
 *
 *   Some-Header=value   a header of the answer
 *   status=N            another status than 200
 *   host=NAME           @HOST@ in the file is the host that this request header names
 *   NODE=half           from the node of that name, half of the file, and then nothing
 *   NODE=cut            half of it, and its untimely end
 *   NODE=whole          all of it, without a length and an end
 */
public final class FilesFilter extends HttpFilter {

    private static final long serialVersionUID = 1L;

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        for (String name : Collections.list(request.getParameterNames())) {
            if (Character.isUpperCase(name.charAt(0))) {
                response.setHeader(name, request.getParameter(name));
            }
        }
        String status = request.getParameter("status");
        if (status != null) {
            response.setStatus(Integer.parseInt(status));
        }
        if (request.getParameter("host") != null) {
            filled(request, response);
        } else if (request.getParameter(Node.NAME) != null) {
            unfinished(request, response);
        } else {
            chain.doFilter(request, response);
        }
    }

    private static byte[] file(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String path = request.getServletPath();
        response.setContentType(request.getServletContext().getMimeType(path));
        try (InputStream in = request.getServletContext().getResourceAsStream(path)) {
            return in.readAllBytes();
        }
    }

    /** As a node that makes its codebase of what it was told by a proxy. */
    private static void filled(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String header = request.getHeader(request.getParameter("host"));
        String host = String.valueOf(header).replaceFirst("(?i).*\\bhost=\"?", "").split("[\",; ]")[0];
        String text = new String(file(request, response), StandardCharsets.UTF_8).replace("@HOST@", host);
        response.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
    }

    private static void unfinished(HttpServletRequest request, HttpServletResponse response) throws IOException {
        byte[] text = file(request, response);
        String how = request.getParameter(Node.NAME);
        boolean isWhole = how.equals("whole");
        if (!isWhole) {
            response.setContentLength(text.length);
        }
        response.getOutputStream().write(text, 0, isWhole ? text.length : text.length / 2);
        response.flushBuffer();
        if (!how.equals("cut")) {
            try {
                Thread.sleep(60_000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
