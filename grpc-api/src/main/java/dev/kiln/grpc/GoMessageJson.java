package dev.kiln.grpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.MapEntry;
import com.google.protobuf.Message;
import dev.kiln.model.GoJson;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A protobuf message as Go's {@code encoding/json} writes the struct that protoc-gen-go makes of
 * it: proto field names, declaration order, zero values left out, numbers as numbers. (That is not
 * protobuf's own JSON mapping.) Messages with a {@code oneof} have another shape in Go and are
 * refused. Any thread.
 */
final class GoMessageJson {
  private GoMessageJson() {}

  static GoJson of(Message message) {
    var out = GoJson.object();
    for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
      if (field.getContainingOneof() != null) {
        throw new IllegalArgumentException("a oneof has no plain Go JSON: " + field.getFullName());
      }
      if (field.isMapField()) {
        map(out, field, message);
      } else if (field.isRepeated()) {
        List<?> values = (List<?>) message.getField(field);
        if (!values.isEmpty()) {
          out.raw(
              field.getName(),
              "[" + String.join(",", values.stream().map(v -> value(field, v)).toList()) + "]");
        }
      } else if (field.getJavaType() == JavaType.MESSAGE
          ? message.hasField(field)
          : !message.getField(field).equals(field.getDefaultValue())) {
        out.raw(field.getName(), value(field, message.getField(field)));
      }
    }
    return out;
  }

  private static void map(GoJson out, FieldDescriptor field, Message message) {
    var sorted = new TreeMap<String, String>();
    FieldDescriptor valueField = field.getMessageType().findFieldByName("value");
    for (Object entry : (List<?>) message.getField(field)) {
      var pair = (MapEntry<?, ?>) entry;
      sorted.put(String.valueOf(pair.getKey()), value(valueField, pair.getValue()));
    }
    if (!sorted.isEmpty()) {
      var object = GoJson.object();
      for (Map.Entry<String, String> entry : sorted.entrySet()) {
        object.raw(entry.getKey(), entry.getValue());
      }
      out.raw(field.getName(), object.toString());
    }
  }

  private static String value(FieldDescriptor field, Object value) {
    return switch (field.getJavaType()) {
      case INT, LONG, FLOAT, DOUBLE, BOOLEAN -> String.valueOf(value);
      case STRING -> GoJson.quote((String) value);
      case BYTE_STRING -> GoJson.base64(((ByteString) value).toByteArray());
      case ENUM ->
          String.valueOf(((com.google.protobuf.Descriptors.EnumValueDescriptor) value).getNumber());
      case MESSAGE -> of((Message) value).toString();
    };
  }
}
