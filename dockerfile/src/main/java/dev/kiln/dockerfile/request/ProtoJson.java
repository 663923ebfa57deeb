package dev.kiln.dockerfile.request;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BinaryNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import dev.kiln.grpc.pb.FileAction;
import dev.kiln.grpc.pb.Op;
import dev.kiln.grpc.pb.UserOpt;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * LLB messages as Go's {@code encoding/json} shows its generated structs: proto field names,
 * numbers for enums, base64 for bytes, zero values left out, and the three messages with a choice
 * have it in an object of its own (BuildKit v0.22 {@code solver/pb/json.go}). Pure.
 */
final class ProtoJson {
  private ProtoJson() {}

  static ObjectNode of(Message message) {
    ObjectNode node = IndentedJson.object();
    String choice =
        switch (message) {
          case Op _ -> "Op";
          case FileAction _ -> "Action";
          case UserOpt _ -> "User";
          default -> "";
        };
    message
        .getAllFields()
        .forEach((field, value) -> {
          boolean inChoice = !choice.isEmpty() && field.getContainingOneof() != null;
          ObjectNode into = inChoice ? node.withObjectProperty(choice) : node;
          into.set(field.getName(), field(field, value));
        });
    return node;
  }

  private static JsonNode field(FieldDescriptor field, Object value) {
    if (field.isMapField()) {
      return map(field, (List<?>) value);
    }
    if (!field.isRepeated()) {
      return single(value);
    }
    ArrayNode array = IndentedJson.array();
    ((List<?>) value).forEach(item -> array.add(single(item)));
    return array;
  }

  private static JsonNode map(FieldDescriptor field, List<?> entries) {
    var sorted = new TreeMap<String, JsonNode>();
    FieldDescriptor key = field.getMessageType().findFieldByNumber(1);
    FieldDescriptor value = field.getMessageType().findFieldByNumber(2);
    for (Object entry : entries) {
      Message pair = (Message) entry;
      sorted.put(pair.getField(key).toString(), single(pair.getField(value)));
    }
    ObjectNode node = IndentedJson.object();
    for (Map.Entry<String, JsonNode> entry : sorted.entrySet()) {
      node.set(entry.getKey(), entry.getValue());
    }
    return node;
  }

  private static JsonNode single(Object value) {
    return switch (value) {
      case Message message -> of(message);
      case ByteString bytes -> BinaryNode.valueOf(bytes.toByteArray());
      case EnumValueDescriptor constant -> IntNode.valueOf(constant.getNumber());
      case Boolean flag -> BooleanNode.valueOf(flag);
      case Integer number -> IntNode.valueOf(number);
      case Long number -> LongNode.valueOf(number);
      default -> TextNode.valueOf(value.toString());
    };
  }
}
