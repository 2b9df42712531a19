import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.HandlerRegistry;
import io.grpc.MethodDescriptor;
import io.grpc.ServerMethodDefinition;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.ClientAuth;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * A client and a server of gRPC's own library for Java, for test/peers: bytes in, bytes out. The same commands, options and answers as those of
 * test/peers/go/main.go.
 */
final class Peer {
  /** Bytes as they are. */
  private static final MethodDescriptor.Marshaller<byte[]> RAW = new MethodDescriptor.Marshaller<>() {
    @Override
    public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      try {
        return stream.readAllBytes();
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    }
  };

  private static final MethodDescriptor<byte[], byte[]> METHOD = MethodDescriptor.newBuilder(RAW, RAW)
      .setType(MethodDescriptor.MethodType.UNARY)
      .setFullMethodName("test.Service/Method")
      .build();

  private static final Map<String, String> options = new HashMap<>();

  public static void main(String[] words) throws Exception {
    for (int at = 1; at < words.length; at++)
      options.put(words[at].substring(1), words[at].equals("-gzip") ? "true" : words[++at]);
    try {
      if (words[0].equals("serve")) serve();
      else System.out.println(call());
    } catch (Exception error) {
      System.out.println("failed: " + error);
      System.exit(1);
    }
    System.exit(0);
  }

  private static int number(String name, int otherwise) {
    return options.containsKey(name) ? Integer.parseInt(options.get(name)) : otherwise;
  }

  private static File file(String name) {
    return new File(options.get(name));
  }

  private static void serve() throws Exception {
    var server = NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
        .maxInboundMessageSize(1 << 30)
        .maxConcurrentCallsPerConnection(number("streams", 100))
        .fallbackHandlerRegistry(new HandlerRegistry() {
          @Override
          public ServerMethodDefinition<?, ?> lookupMethod(String name, String authority) {
            return ServerMethodDefinition.create(METHOD, ServerCalls.asyncUnaryCall(Peer::answer));
          }
        });
    if (options.containsKey("age")) {
      int age = Integer.parseInt(options.get("age").replace("ms", ""));
      server.maxConnectionAge(age, TimeUnit.MILLISECONDS).maxConnectionAgeGrace(5, TimeUnit.SECONDS);
    }
    if (options.containsKey("cert")) {
      var secured = GrpcSslContexts.forServer(file("cert"), file("key"));
      server.sslContext(secured.trustManager(file("ca")).clientAuth(ClientAuth.REQUIRE).build());
    }
    System.out.println(server.build().start().getPort());
    // Its end is the end of who started it.
    System.in.read();
  }

  private static void answer(byte[] message, StreamObserver<byte[]> answers) {
    String text = new String(message, 0, Math.min(message.length, 64), StandardCharsets.ISO_8859_1);
    if (text.startsWith("refuse")) {
      answers.onError(Status.RESOURCE_EXHAUSTED.withDescription("voll: 100 % größer").asRuntimeException());
      return;
    }
    if (text.startsWith("slow")) {
      try {
        Thread.sleep(300);
      } catch (InterruptedException error) {
        Thread.currentThread().interrupt();
      }
    }
    answers.onNext(text.startsWith("echo") ? message : Integer.toString(message.length).getBytes(StandardCharsets.UTF_8));
    answers.onCompleted();
  }

  private static String call() throws Exception {
    var builder = NettyChannelBuilder.forTarget(options.get("target")).maxInboundMessageSize(1 << 30);
    if (options.containsKey("cert")) {
      var secured = GrpcSslContexts.forClient().keyManager(file("cert"), file("key"));
      builder.sslContext(secured.trustManager(file("ca")).build());
    } else {
      builder.usePlaintext();
    }
    var channel = builder.build();
    for (String size : options.getOrDefault("sizes", "1000").split(",")) callMany(channel, Integer.parseInt(size));
    channel.shutdown();
    return "ok " + number("count", 1);
  }

  private static void callMany(Channel channel, int size) throws Exception {
    byte[] message = new byte[size];
    for (int at = 0; at < size; at++) message[at] = (byte) ('a' + at % 7);
    String wanted = Integer.toString(size);
    int parallel = number("parallel", 1);
    int each = (number("count", 1) + parallel - 1) / parallel;
    var how = options.containsKey("gzip") ? CallOptions.DEFAULT.withCompression("gzip") : CallOptions.DEFAULT;
    Callable<Void> sender = () -> {
      for (int call = 0; call < each; call++) {
        byte[] answer = ClientCalls.blockingUnaryCall(channel, METHOD, how.withDeadlineAfter(20, TimeUnit.SECONDS), message);
        String text = new String(answer, StandardCharsets.UTF_8);
        if (!text.equals(wanted)) throw new IllegalStateException("answered " + text);
      }
      return null;
    };
    var threads = Executors.newFixedThreadPool(parallel);
    try {
      for (Future<Void> sent : threads.invokeAll(Collections.nCopies(parallel, sender))) sent.get();
    } catch (ExecutionException error) {
      throw (Exception) error.getCause();
    } finally {
      threads.shutdown();
    }
  }
}
