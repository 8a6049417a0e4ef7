package svb.node;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

/** /client-report?node=…&arg=…&arg=…: a Smart Client that came up says so. */
public final class ReportServlet extends HttpServlet {

    private static final long serialVersionUID = 1L;

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String[] arguments = request.getParameterValues("arg");
        Map<String, Object> report = new LinkedHashMap<>();
        report.put("node", request.getParameter("node"));
        report.put("args", arguments == null ? List.of() : List.of(arguments));
        Node.REPORTS.add(report);
        System.out.println("client report: " + Json.text(report));
        response.setContentType("text/plain");
        response.getWriter().println(Node.NAME);
    }
}
