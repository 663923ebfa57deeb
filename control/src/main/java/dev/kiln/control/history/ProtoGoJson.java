package dev.kiln.control.history;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import dev.kiln.grpc.pb.FileAction;
import dev.kiln.grpc.pb.Op;
import dev.kiln.grpc.pb.UserOpt;
import dev.kiln.model.GoJson;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * LLB messages as Go's {@code encoding/json} marshals the types generated from them: fields by
 * their proto names in order of declaration, empty ones left out, enums as numbers. Three messages
 * have forms of their own (BuildKit v0.22 {@code solver/pb/json.go}). Stateless.
 */
final class ProtoGoJson {
  private ProtoGoJson() {}

  static GoJson of(Message message) {
    return switch (message) {
      case Op op -> op(op);
      case FileAction action -> action(action);
      case UserOpt user -> user(user);
      default -> fields(message);
    };
  }

  private static GoJson fields(Message message) {
    GoJson json = GoJson.object();
    for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
      if (field.isRepeated()
          ? message.getRepeatedFieldCount(field) == 0
          : isEmpty(message, field)) {
        continue;
      }
      json.raw(field.getName(), value(message, field));
    }
    return json;
  }

  private static boolean isEmpty(Message message, FieldDescriptor field) {
    return field.getJavaType() == FieldDescriptor.JavaType.MESSAGE
        ? !message.hasField(field)
        : message.getField(field).equals(field.getDefaultValue());
  }

  private static String value(Message message, FieldDescriptor field) {
    if (field.isMapField()) {
      Map<String, String> entries = new HashMap<>();
      for (Object each : (List<?>) message.getField(field)) {
        Message entry = (Message) each;
        var type = entry.getDescriptorForType();
        entries.put(
            String.valueOf(entry.getField(type.findFieldByNumber(1))),
            scalar(entry.getField(type.findFieldByNumber(2))));
      }
      return GoJson.rawMap(entries);
    }
    if (field.isRepeated()) {
      return GoJson.array(
          ((List<?>) message.getField(field)).stream().map(ProtoGoJson::scalar).toList());
    }
    Object value = message.getField(field);
    return field.getType() == FieldDescriptor.Type.UINT32
        ? Integer.toUnsignedString((int) value)
        : scalar(value);
  }

  private static String scalar(Object value) {
    return switch (value) {
      case Message m -> of(m).toString();
      case String s -> GoJson.quote(s);
      case ByteString b -> GoJson.base64(b.toByteArray());
      case EnumValueDescriptor e -> Integer.toString(e.getNumber());
      default -> value.toString();
    };
  }

  private static GoJson op(Op op) {
    GoJson body = GoJson.object();
    switch (op.getOpCase()) {
      case EXEC -> body.raw("exec", of(op.getExec()).toString());
      case SOURCE -> body.raw("source", of(op.getSource()).toString());
      case FILE -> body.raw("file", of(op.getFile()).toString());
      case BUILD -> body.raw("build", of(op.getBuild()).toString());
      case MERGE -> body.raw("merge", of(op.getMerge()).toString());
      case DIFF -> body.raw("diff", of(op.getDiff()).toString());
      case OP_NOT_SET -> {}
    }
    GoJson json = GoJson.object();
    json.objectsIfSet("inputs", op.getInputsList().stream().map(ProtoGoJson::of).toList());
    json.raw("Op", body.toString());
    if (op.hasPlatform()) {
      json.raw("platform", of(op.getPlatform()).toString());
    }
    if (op.hasConstraints()) {
      json.raw("constraints", of(op.getConstraints()).toString());
    }
    return json;
  }

  private static GoJson action(FileAction action) {
    GoJson body = GoJson.object();
    switch (action.getActionCase()) {
      case COPY -> body.raw("copy", of(action.getCopy()).toString());
      case MKFILE -> body.raw("mkfile", of(action.getMkfile()).toString());
      case MKDIR -> body.raw("mkdir", of(action.getMkdir()).toString());
      case RM -> body.raw("rm", of(action.getRm()).toString());
      // the reference has no form for symlinks; this one follows the others
      case SYMLINK -> body.raw("symlink", of(action.getSymlink()).toString());
      case ACTION_NOT_SET -> {}
    }
    return GoJson.object()
        .number("input", action.getInput())
        .number("secondaryInput", action.getSecondaryInput())
        .number("output", action.getOutput())
        .raw("Action", body.toString());
  }

  private static GoJson user(UserOpt user) {
    GoJson body = GoJson.object();
    switch (user.getUserCase()) {
      case BYNAME -> body.raw("byName", of(user.getByName()).toString());
      case BYID -> body.numberIfSet("byId", Integer.toUnsignedLong(user.getByID()));
      case USER_NOT_SET -> {}
    }
    return GoJson.object().raw("User", body.toString());
  }
}
