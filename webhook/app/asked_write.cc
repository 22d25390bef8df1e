#include "webhook/app/asked_write.h"

namespace headroom::webhook {

std::optional<limits::AskedWrite> asked_write(const Review& review) {
  limits::AskedWrite write;
  switch (review.operation) {
    case Operation::Create:
      write.operation = api::Operation::Create;
      break;
    case Operation::Update:
      write.operation = api::Operation::Update;
      break;
    case Operation::Delete:
      write.operation = api::Operation::Delete;
      break;
    case Operation::Connect:
      return std::nullopt;
  }
  write.group = review.resource.group;
  write.version = review.resource.version;
  write.resource = review.resource.resource;
  write.sub_resource = review.sub_resource;
  write.ns = review.ns;
  write.name = review.name;
  write.object = write.operation == api::Operation::Delete ? nullptr : review.object;
  write.old_object = review.old_object;
  write.user = review.username;
  return write;
}

}  // namespace headroom::webhook
