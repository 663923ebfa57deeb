package dev.kiln.registry;

import dev.kiln.model.BuildException;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;

/** Sends one request and waits for the head of its answer, as long as {@link Patience} allows. */
final class Sending {
  /** For a request whose body is small: nothing is seen of its way. */
  static final LongSupplier AT_ONCE = () -> -1;

  private Sending() {}

  /**
   * @param sent how many bytes of the request have gone, or {@link #AT_ONCE}
   * @return the caller closes the body, which is a {@link Body}
   */
  static HttpResponse<InputStream> send(
      HttpClient client, HttpRequest request, LongSupplier sent, Patience patience)
      throws IOException, InterruptedException {
    String host = Locations.authority(request.uri());
    CompletableFuture<HttpResponse<InputStream>> answer =
        client.sendAsync(
            request,
            _ ->
                HttpResponse.BodySubscribers.mapping(
                    HttpResponse.BodySubscribers.ofInputStream(),
                    in -> new Body(in, host, patience)));
    try {
      return await(answer, sent, sent == AT_ONCE ? patience.window() : patience.uploadWindow());
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case IOException io -> throw io;
        case BuildException b -> throw b; // of who gives what is sent
        case null, default -> throw new IOException(String.valueOf(e.getCause()), e.getCause());
      }
    } finally {
      if (!answer.isDone()) {
        answer.cancel(true);
      }
    }
  }

  private static <T> T await(CompletableFuture<T> answer, LongSupplier sent, Duration window)
      throws ExecutionException, InterruptedException, HttpTimeoutException {
    while (true) {
      long before = sent.getAsLong();
      try {
        return answer.get(window.toMillis(), TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        if (sent.getAsLong() == before) {
          throw new HttpTimeoutException("no answer within " + window.toSeconds() + "s");
        }
      }
    }
  }
}
