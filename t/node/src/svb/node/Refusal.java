package svb.node;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

/**
 * What a node answers to whoever has no session, instead of starting one.
 *
 * @param status  the answer's status
 * @param text    its text, or how it begins
 * @param how     "": as usual. "end": it ends with its connection. "big": a gigabyte.
 *                "endless": and it does not end. "drip": likewise, slowly, a few letters
 *                at a time from the first one on
 */
record Refusal(int status, String text, String how) {

    /** What a node in maintenance answers. */
    static final Refusal MAINTENANCE = new Refusal(503, "Server in maintenance mode", "");

    /** How many long answers are under way, and how many nobody wanted to the end. */
    static final AtomicInteger RUNNING = new AtomicInteger();
    static final AtomicInteger CUT = new AtomicInteger();

    private static final int BLOCK = 65_536;
    private static final long GIGABYTE = 1L << 30;

    /** Null where the query names no status. */
    static Refusal of(HttpServletRequest request) {
        int status = Integer.parseInt(request.getParameter("status"));
        String text = request.getParameter("text");
        String how = request.getParameter("how");
        return status == 0 ? null : new Refusal(status, text == null ? "no" : text, how == null ? "" : how);
    }

    void send(HttpServletResponse response) throws IOException {
        response.setStatus(status);
        response.setContentType("text/plain");
        switch (how) {
            case "end" -> sendToTheEnd(response);
            case "big" -> write(response, GIGABYTE, BLOCK, 0);
            case "endless" -> write(response, Long.MAX_VALUE, BLOCK, 0);
            case "drip" -> write(response, Long.MAX_VALUE, 4, 50);
            default -> response.getWriter().println(text);
        }
    }

    private void sendToTheEnd(HttpServletResponse response) throws IOException {
        response.setHeader("Connection", "close");
        response.flushBuffer();
        response.getWriter().println(text);
    }

    private void write(HttpServletResponse response, long most, int piece, int pause) throws IOException {
        byte[] block = new byte[piece];
        byte[] words = text.getBytes(StandardCharsets.UTF_8);
        Arrays.fill(block, (byte) '.');
        RUNNING.incrementAndGet();
        try {
            OutputStream out = response.getOutputStream();
            for (int i = 0; i < words.length; i += piece) {
                out.write(words, i, Math.min(piece, words.length - i));
                rest(response, pause);
            }
            for (long sent = 0; sent < most; sent += piece) {
                out.write(block, 0, piece);
                rest(response, pause);
            }
        } catch (IOException e) {
            CUT.incrementAndGet();
            throw e;
        } finally {
            RUNNING.decrementAndGet();
        }
    }

    private static void rest(HttpServletResponse response, int pause) throws IOException {
        if (pause > 0) {
            response.flushBuffer();
            try {
                Thread.sleep(pause);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
