/** The server's own start class is only in the archive of the whole server. */
public final class Launch {
    private Launch() {}

    public static void main(String[] arguments) {
        new io.trino.server.Server().start("435");
    }
}
