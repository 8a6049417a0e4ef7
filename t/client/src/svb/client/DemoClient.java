package svb.client;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URL;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;

/**
 * A Smart Client of the smallest kind: it talks to its codebase, as Servoy's
 * does, telling it which node it believes to be on and its arguments.
 */
public final class DemoClient {

    private DemoClient() {
    }

    public static void main(String[] arguments) throws Exception {
        URL codebase = codebase();
        StringBuilder report = new StringBuilder("client-report?node=" + encode(codebase.getAuthority()));
        for (String argument : arguments) {
            report.append("&arg=").append(encode(argument));
        }
        URL url = new URL(codebase, report.toString());
        try (BufferedReader in = new BufferedReader(
                new InputStreamReader(url.openStream(), StandardCharsets.UTF_8))) {
            System.out.println("node=" + codebase.getAuthority() + " answered=" + in.readLine()
                    + " args=" + String.join("\t", arguments));
        }
        System.out.flush();
        System.exit(0);
    }

    /** By reflection: javax.jnlp is there when Web Start runs this, not when it is compiled. */
    private static URL codebase() throws Exception {
        Object service = Class.forName("javax.jnlp.ServiceManager")
                .getMethod("lookup", String.class).invoke(null, "javax.jnlp.BasicService");
        return (URL) Class.forName("javax.jnlp.BasicService").getMethod("getCodeBase").invoke(service);
    }

    private static String encode(String text) throws Exception {
        return URLEncoder.encode(text, "UTF-8");
    }
}
