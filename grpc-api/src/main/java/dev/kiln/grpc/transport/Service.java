package dev.kiln.grpc.transport;

import akka.grpc.ServiceDescription;
import java.util.function.UnaryOperator;

/** One service and what answers its calls. Immutable. */
public record Service(ServiceDescription description, UnaryOperator<Handlers> methods) {}
