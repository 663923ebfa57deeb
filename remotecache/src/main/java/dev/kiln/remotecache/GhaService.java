package dev.kiln.remotecache;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.io.IOException;
import java.net.URI;
import java.util.Optional;

/**
 * GitHub's cache service in one of its two protocols. A key is written once and never again. Any
 * thread; calls block. Failures are {@link BuildException}s. Source of both: {@code
 * github.com/tonistiigi/go-actions-cache} as BuildKit v0.22.0 names it, {@code cache.go} and {@code
 * cache_v2.go}.
 */
interface GhaService {
  /** Names entries of the same form to the service: the SHA-256 of "|go-actionscache-1.0". */
  String VERSION = "693bb7016429d80366022f036f84856888c9f13e00145f5f6f4dce303a38d6f2";

  /**
   * An entry that is there.
   *
   * @param address of its bytes, which carries the right to read them; never printed
   * @param azure whether it is a blob in Azure's storage
   */
  record Entry(String key, URI address, boolean azure) {
    @Override
    public String toString() {
      return "Entry[" + key + "]";
    }
  }

  /**
   * An entry that this daemon alone may write.
   *
   * @param place an id, or an address with the right to write there; never printed
   */
  record Reserved(String key, String place) {
    @Override
    public String toString() {
      return "Reserved[" + key + "]";
    }
  }

  /** An address that the service has given; where it is none, nobody is told what it holds. */
  static URI address(String text) {
    try {
      return URI.create(text);
    } catch (IllegalArgumentException e) {
      throw new BuildException(Kind.UNKNOWN, "the cache service has given an invalid address");
    }
  }

  /** The entry of this key, or else the newest one whose key begins so. */
  Optional<Entry> find(String key) throws InterruptedException;

  /** Empty where the key is there, or somebody is writing it. */
  Optional<Reserved> reserve(String key) throws InterruptedException;

  /** Sends the bytes; the entry is there after {@link #commit}. */
  void upload(Reserved to, ObjectStore.Opener from) throws IOException, InterruptedException;

  void commit(Reserved of, long sizeBytes) throws InterruptedException;
}
