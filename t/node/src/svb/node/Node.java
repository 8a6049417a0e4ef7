package svb.node;

import java.util.Iterator;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.LongAdder;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpSession;

/** What this process knows about itself: one process is one node. */
final class Node {

    /** The node's name; its jvmRoute too, unless it runs without one. */
    static final String NAME = System.getProperty("demo.node", "node");

    /** Overrides the session timeout of web.xml, in seconds; 0 leaves that alone. */
    private static final int SESSION_SECONDS = Integer.getInteger("demo.sessionSeconds", 0);

    private static final int MAX_PATHS = 10_000;

    static volatile boolean maintenance;

    /** What new clients get in place of a session; null: they get one. */
    static volatile Refusal refusal;

    /** What Smart Clients reported, oldest first, as JSON objects. */
    static final Queue<Map<String, Object>> REPORTS = new ConcurrentLinkedQueue<>();

    private static final ConcurrentSkipListMap<String, LongAdder> REQUESTS = new ConcurrentSkipListMap<>();

    private Node() {
    }

    static void countRequest(String path) {
        if (REQUESTS.size() < MAX_PATHS || REQUESTS.containsKey(path)) {
            REQUESTS.computeIfAbsent(path, p -> new LongAdder()).increment();
        }
    }

    static Map<String, LongAdder> requests() {
        return REQUESTS;
    }

    static void forgetRequests() {
        for (Iterator<String> i = REQUESTS.keySet().iterator(); i.hasNext();) {
            i.next();
            i.remove();
        }
    }

    /** The request's session; a new one where it has none that is alive. */
    static HttpSession session(HttpServletRequest request) {
        HttpSession session = request.getSession();
        if (session.isNew() && SESSION_SECONDS > 0) {
            session.setMaxInactiveInterval(SESSION_SECONDS);
        }
        return session;
    }
}
