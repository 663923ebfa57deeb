package dev.kiln.store;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.MediaTypes;
import dev.kiln.store.content.ContentStore;
import dev.kiln.store.records.Database;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@link ImageNames} in memory and in the database. */
final class LocalImageNames implements ImageNames {
  private static final Logger LOG = LoggerFactory.getLogger(LocalImageNames.class);
  static final List<String> SCHEMA =
      List.of(
          "CREATE TABLE IF NOT EXISTS images (name TEXT PRIMARY KEY, media_type TEXT,"
              + " digest TEXT, size INTEGER) WITHOUT ROWID");

  private final Database database;
  private final Map<String, Descriptor> names = new ConcurrentHashMap<>();

  LocalImageNames(Database database) {
    this.database = database;
  }

  void load() {
    database.load(
        "SELECT * FROM images",
        row ->
            names.put(
                row.getString("name"),
                new Descriptor(
                    row.getString("media_type"),
                    new Digest(row.getString("digest")),
                    row.getLong("size"))));
  }

  @Override
  public void put(String name, Descriptor target) {
    names.put(name, target);
    database.write(
        "INSERT OR REPLACE INTO images VALUES (?,?,?,?)",
        name,
        target.mediaType(),
        target.digest().value(),
        target.sizeBytes());
  }

  @Override
  public Optional<Descriptor> find(String name) {
    return Optional.ofNullable(names.get(name));
  }

  @Override
  public Map<String, Descriptor> all() {
    return Map.copyOf(names);
  }

  @Override
  public void remove(String name) {
    if (names.remove(name) != null) {
      database.write("DELETE FROM images WHERE name = ?", name);
    }
  }

  /** The blobs of all named images, as far as their manifests are here. */
  Set<Digest> blobs(ContentStore content) {
    var found = new HashSet<Digest>();
    names.values().forEach(target -> follow(target.mediaType(), target.digest(), content, found));
    return found;
  }

  private static void follow(
      String mediaType, Digest digest, ContentStore content, Set<Digest> found) {
    boolean hasChildren = MediaTypes.isIndex(mediaType) || MediaTypes.isManifest(mediaType);
    if (!found.add(digest) || !hasChildren || !content.contains(digest)) {
      return;
    }
    try {
      JsonNode json = new ObjectMapper().readTree(content.read(digest));
      for (String list : List.of("manifests", "layers")) {
        json.path(list).forEach(child -> follow(child, content, found));
      }
      follow(json.path("config"), content, found);
    } catch (IOException e) {
      LOG.warn("the manifest {} cannot be read", digest, e);
    }
  }

  private static void follow(JsonNode child, ContentStore content, Set<Digest> found) {
    String digest = child.path("digest").asText();
    if (Digest.isValid(digest)) {
      follow(child.path("mediaType").asText(), new Digest(digest), content, found);
    }
  }
}
