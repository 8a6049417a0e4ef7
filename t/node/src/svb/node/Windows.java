package svb.node;

import java.io.Serializable;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

import jakarta.servlet.http.HttpSession;

/**
 * The windows of an HTTP session that has, or had, any: an NGClient's. As long as one is
 * open the session does not time out. Some time after the last one has closed the node
 * disposes of the client and the session ends with it, whatever else it was used for
 * meanwhile; another window saves it.
 *
 * It is an attribute of the session: where sessions are shared, another node knows that
 * there were windows, but has only its own ones open.
 */
final class Windows implements Serializable {

    private static final long serialVersionUID = 1L;

    private static final String ATTRIBUTE = "windows";

    /** How long a client outlives its windows. 0: like any session, until its timeout. */
    private static final int SECONDS = Integer.getInteger("demo.windowSeconds", 60);

    private static final ScheduledThreadPoolExecutor CLOCK = clock();

    private final int timeout;
    private transient int open;
    private transient boolean isOver;
    private transient Future<?> end;

    private Windows(int timeout) {
        this.timeout = timeout;
    }

    private static ScheduledThreadPoolExecutor clock() {
        ScheduledThreadPoolExecutor clock = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "windows");
            thread.setDaemon(true);
            thread.setContextClassLoader(Windows.class.getClassLoader()); // no application's
            return thread;
        });
        clock.setRemoveOnCancelPolicy(true);
        return clock;
    }

    /** Null where the session never had any. */
    static Windows of(HttpSession http) {
        return (Windows) http.getAttribute(ATTRIBUTE);
    }

    /** One more. IllegalStateException: the session is dead. */
    static Windows open(HttpSession http) {
        Windows windows = ofNow(http);
        windows.opened(http);
        return windows;
    }

    private static synchronized Windows ofNow(HttpSession http) {
        Windows windows = of(http);
        if (windows == null) {
            windows = new Windows(http.getMaxInactiveInterval());
            http.setAttribute(ATTRIBUTE, windows);
        }
        return windows;
    }

    synchronized int count() {
        return open;
    }

    private synchronized void opened(HttpSession http) {
        if (isOver) {
            throw new IllegalStateException("disposed of");
        }
        http.setMaxInactiveInterval(-1);
        open++;
        if (end != null) {
            end.cancel(false);
            end = null;
        }
    }

    /** One less. */
    synchronized void close(HttpSession http) {
        open--;
        if (open > 0) {
            return;
        }
        if (SECONDS > 0) {
            end = CLOCK.schedule(() -> dispose(http), SECONDS, TimeUnit.SECONDS);
            return;
        }
        try {
            http.setMaxInactiveInterval(timeout);
        } catch (IllegalStateException e) {
            // logged out meanwhile
        }
    }

    private void dispose(HttpSession http) {
        synchronized (this) {
            if (open > 0) {
                return;
            }
            isOver = true;
        }
        try {
            http.invalidate(); // not under the lock: Tomcat has one for this
        } catch (IllegalStateException e) {
            // logged out meanwhile
        }
    }
}
