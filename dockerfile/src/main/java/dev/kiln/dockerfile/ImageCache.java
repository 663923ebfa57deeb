package dev.kiln.dockerfile;

import dev.kiln.dockerfile.convert.ImageResolver;
import dev.kiln.llb.FrontendClient;
import dev.kiln.llb.ImageMeta;
import dev.kiln.llb.ImageQuery;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;

/** Asks for each image once in a build, whoever wants it; failures are kept too. Any thread. */
final class ImageCache implements ImageResolver {
  private final FrontendClient client;
  private final ConcurrentMap<ImageQuery, CompletableFuture<ImageMeta>> answers =
      new ConcurrentHashMap<>();

  ImageCache(FrontendClient client) {
    this.client = client;
  }

  @Override
  public ImageMeta resolve(ImageQuery query) throws InterruptedException {
    var mine = new CompletableFuture<ImageMeta>();
    CompletableFuture<ImageMeta> theirs = answers.putIfAbsent(query, mine);
    if (theirs == null) {
      try {
        mine.complete(client.resolveImage(query));
      } catch (InterruptedException | RuntimeException e) {
        mine.completeExceptionally(e);
      }
      theirs = mine;
    }
    try {
      return theirs.get();
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case InterruptedException interrupted -> throw interrupted;
        case RuntimeException failure -> throw failure;
        case null, default -> throw new IllegalStateException(e);
      }
    }
  }
}
