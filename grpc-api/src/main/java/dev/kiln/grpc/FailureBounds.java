package dev.kiln.grpc;

import com.google.protobuf.Any;
import dev.kiln.model.Detail;
import dev.kiln.model.SourceInfo;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Keeps a failure to what the headers of an answer hold. Go's clients take 16 MiB of them (grpc-go
 * v1.69.4 {@code internal/transport/defaults.go}) and report a failure with more as another one.
 * The message is there twice, once with up to nine bytes a character; details are in base64. One
 * failure at a time; not for several threads.
 */
final class FailureBounds {
  private static final int MESSAGE_CHARS = 64 << 10;
  private static final int DETAIL_BYTES = 8 << 20;

  private int room = DETAIL_BYTES;

  /** The message; of a long one its beginning and end, and how much is left out between them. */
  static String message(String text) {
    if (text.length() <= MESSAGE_CHARS) {
      return text;
    }
    int head = whole(text, MESSAGE_CHARS / 2);
    int tail = whole(text, text.length() - MESSAGE_CHARS / 2);
    return text.substring(0, head)
        + "… ("
        + (tail - head)
        + " characters left out) …"
        + text.substring(tail);
  }

  /** The index, or the one before where it is within a pair of surrogates. */
  private static int whole(String text, int index) {
    return Character.isLowSurrogate(text.charAt(index))
            && Character.isHighSurrogate(text.charAt(index - 1))
        ? index - 1
        : index;
  }

  /** The wire form of a detail, without its large parts where there is no room; or nothing. */
  Optional<Any> detail(Detail detail, Function<Detail, Any> wire) {
    return fitting(wire.apply(detail)).or(() -> essence(detail).map(wire).flatMap(this::fitting));
  }

  private Optional<Any> fitting(Any any) {
    int size = any.getSerializedSize();
    if (size > room) {
      return Optional.empty();
    }
    room -= size;
    return Optional.of(any);
  }

  private static Optional<Detail> essence(Detail detail) {
    return switch (detail) {
      case Detail.SolveFailed s ->
          Optional.of(
              new Detail.SolveFailed(
                  s.inputIds(),
                  s.mountIds(),
                  new byte[0],
                  s.fileIndex(),
                  s.cacheIndex(),
                  Map.of()));
      case Detail.SourceLocation(SourceInfo info, var ranges) ->
          Optional.of(
              new Detail.SourceLocation(
                  new SourceInfo(info.filename(), info.data(), new byte[0], info.language()),
                  ranges));
      default -> Optional.empty();
    };
  }
}
