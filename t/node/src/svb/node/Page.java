package svb.node;

import java.io.IOException;
import java.io.PrintWriter;

import jakarta.servlet.http.HttpServletResponse;

/** The HTML around a page's own content. */
final class Page {

    private static final String STYLE = "body{font:16px/1.5 sans-serif;margin:2em auto;max-width:44em;padding:0 1em}"
            + "dt{color:#666;font-size:.85em}dd{margin:0 0 .6em;font-family:monospace;overflow-wrap:anywhere}"
            + "a,button{margin-right:1em}pre{background:#f3f3f3;padding:.6em;min-height:8em;white-space:pre-wrap}";

    private Page() {
    }

    static void send(HttpServletResponse response, String title, String content) throws IOException {
        response.setContentType("text/html; charset=UTF-8");
        PrintWriter out = response.getWriter();
        out.println("<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">"
                + "<meta name=\"viewport\" content=\"width=device-width\">"
                + "<title>" + escape(title) + "</title><link rel=\"icon\" href=\"data:,\">"
                + "<style>" + STYLE + "</style></head>\n<body>\n<h1>" + escape(title) + "</h1>");
        out.println(content);
        out.println("</body>\n</html>");
    }

    static void sendText(HttpServletResponse response, int status, String text) throws IOException {
        response.setStatus(status);
        response.setContentType("text/plain");
        response.getWriter().println(text);
    }

    static String fact(String id, String name, Object value) {
        return "<dt>" + name + "</dt><dd id=\"" + id + "\">" + escape(String.valueOf(value)) + "</dd>\n";
    }

    /** For text and quoted attributes of HTML and XML. */
    static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
                .replace("\"", "&quot;").replace("'", "&#39;");
    }
}
