/**
 * What each service is called on the wire and which method of its generated {@code …PowerApi}
 * answers: one class a service.
 */
@NullMarked
package dev.kiln.grpc.services;

import org.jspecify.annotations.NullMarked;
