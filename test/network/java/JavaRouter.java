import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Properties;
import net.i2p.client.streaming.I2PSocket;
import net.i2p.client.streaming.I2PSocketManager;
import net.i2p.client.streaming.I2PSocketManagerFactory;
import net.i2p.data.Base32;
import net.i2p.data.Destination;
import net.i2p.data.Hash;
import net.i2p.router.Router;

/**
 * Java I2P in the test network: a router, a site that is another web server, and a reader.
 *
 * <p>java JavaRouter.java FOLDER ADDRESS SITE: FOLDER holds router.config and netDb, and gets site.b32 when the site is
 * open; SITE is the web server's address, port 80. The reader is an HTTP proxy on port 4444 of ADDRESS, one request a
 * connection.
 */
public final class JavaRouter {
  private static final int PROXY_PORT = 4444;
  private static final int HEAD_LIMIT = 16_384;
  private static final int LOOKUP_MS = 30_000;
  private static final String NAME_END = ".b32.i2p";

  private interface Work {
    void run() throws Exception;
  }

  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    Properties places = new Properties();
    places.setProperty("i2p.dir.base", args[0]);
    places.setProperty("i2p.dir.config", args[0]);
    Router router = new Router(places);
    router.setKillVMOnEnd(true);
    router.runRouter();
    I2PSocketManager reader = open();
    thread(() -> readFor(reader, args[1]));
    I2PSocketManager site = open();
    thread(() -> serve(site, args[2]));
    String name = Base32.encode(site.getSession().getMyDestination().calculateHash().getData()) + NAME_END;
    Path part = folder.resolve("site.b32.part");
    Files.writeString(part, name);
    Files.move(part, folder.resolve("site.b32"), StandardCopyOption.ATOMIC_MOVE);
    Thread.currentThread().join();
  }

  /** Waits until the session has tunnels. */
  private static I2PSocketManager open() throws InterruptedException {
    Properties options = new Properties();
    options.setProperty("i2cp.destination.sigType", "EdDSA_SHA512_Ed25519");
    options.setProperty("i2cp.leaseSetEncType", "4");
    for (String way : new String[] {"inbound", "outbound"}) {
      options.setProperty(way + ".length", "2");
      options.setProperty(way + ".quantity", "2");
    }
    for (;;) {
      I2PSocketManager manager = I2PSocketManagerFactory.createManager("127.0.0.1", 7654, options);
      if (manager != null) return manager;
      Thread.sleep(1_000);
    }
  }

  private static void serve(I2PSocketManager manager, String site) throws Exception {
    for (;;) {
      I2PSocket visitor = manager.getServerSocket().accept();
      if (visitor == null) continue;
      thread(() -> {
        Socket server = new Socket(site, 80);
        join(visitor, server);
      });
    }
  }

  private static void readFor(I2PSocketManager manager, String address) throws Exception {
    try (ServerSocket door = new ServerSocket(PROXY_PORT, 50, InetAddress.getByName(address))) {
      for (;;) {
        Socket client = door.accept();
        thread(() -> {
          try {
            read(manager, client);
          } catch (Exception failure) {
            String body = failure + "\n";
            String head = "HTTP/1.1 504 \r\nConnection: close\r\nContent-Length: " + body.length() + "\r\n\r\n";
            client.getOutputStream().write((head + body).getBytes(StandardCharsets.ISO_8859_1));
            client.close();
          }
        });
      }
    }
  }

  private static void read(I2PSocketManager manager, Socket client) throws Exception {
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int next = client.getInputStream().read();
      if (next < 0 || head.length() > HEAD_LIMIT) throw new IOException("no request");
      head.append((char) next);
    }
    String url = head.substring(0, head.indexOf("\r\n")).split(" ")[1];
    String start = url.substring(0, url.indexOf('/', "http://".length()));
    String host = start.substring("http://".length());
    byte[] hash = Base32.decode(host.substring(0, host.length() - NAME_END.length()));
    Destination destination = manager.getSession().lookupDest(new Hash(hash), LOOKUP_MS);
    if (destination == null) throw new IOException("not found");
    I2PSocket stream = manager.connect(destination);
    head.delete(head.indexOf(start), head.indexOf(start) + start.length());
    stream.getOutputStream().write(head.toString().getBytes(StandardCharsets.ISO_8859_1));
    stream.getOutputStream().flush();
    join(stream, client);
  }

  private static void join(I2PSocket far, Socket near) throws Exception {
    thread(() -> {
      try (near) {
        pour(far.getInputStream(), near.getOutputStream());
      }
    });
    try {
      pour(near.getInputStream(), far.getOutputStream());
    } finally {
      far.close();
    }
  }

  private static void pour(InputStream from, OutputStream to) throws IOException {
    byte[] bytes = new byte[32_768];
    for (int got = from.read(bytes); got >= 0; got = from.read(bytes)) {
      to.write(bytes, 0, got);
      if (from.available() == 0) to.flush();
    }
    to.flush();
  }

  /** A stream that breaks is for the test to judge. */
  private static void thread(Work work) {
    Thread thread = new Thread(() -> {
      try {
        work.run();
      } catch (Exception ended) {
        System.err.println(ended);
      }
    });
    thread.setDaemon(true);
    thread.start();
  }
}
