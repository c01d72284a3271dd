#include "durable_stream.h"

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "errors.h"

namespace gpuvm {
namespace {

// What a non-blocking call returns in place of a count when it would have to wait.
constexpr int kWouldBlock = -1;

Napi::Value SetPeeked(const Napi::CallbackInfo& info) {
  int offset = info[1].ToNumber().Int32Value();
  if (setsockopt(info[0].ToNumber().Int32Value(), SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof offset) != 0) {
    throw SystemCallError(info.Env(), errno, "setsockopt", "SO_PEEK_OFF");
  }
  return info.Env().Undefined();
}

Napi::Value Peeked(const Napi::CallbackInfo& info) {
  int offset = 0;
  socklen_t size = sizeof offset;
  if (getsockopt(info[0].ToNumber().Int32Value(), SOL_SOCKET, SO_PEEK_OFF, &offset, &size) != 0) {
    throw SystemCallError(info.Env(), errno, "getsockopt", "SO_PEEK_OFF");
  }
  return Napi::Number::New(info.Env(), offset);
}

// The kernel stops at each message that carries descriptors; those go with their bytes.
Napi::Value Discard(const Napi::CallbackInfo& info) {
  const int fd = info[0].ToNumber().Int32Value();
  int64_t left = info[1].ToNumber().Int64Value();
  char bytes[4096];
  while (left > 0) {
    ssize_t got = recv(fd, bytes, static_cast<size_t>(std::min<int64_t>(left, sizeof bytes)), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw SystemCallError(info.Env(), errno, "recv");
    if (got == 0) break;
    left -= got;
  }
  return Napi::Number::New(info.Env(), static_cast<double>(left));
}

Napi::Value SendFile(const Napi::CallbackInfo& info) {
  ssize_t sent;
  do {
    sent = sendfile(info[0].ToNumber().Int32Value(), info[1].ToNumber().Int32Value(), nullptr,
                    static_cast<size_t>(info[2].ToNumber().Int64Value()));
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    if (errno != EAGAIN) throw SystemCallError(info.Env(), errno, "sendfile");
    return Napi::Number::New(info.Env(), kWouldBlock);
  }
  return Napi::Number::New(info.Env(), static_cast<double>(sent));
}

Napi::Value Position(const Napi::CallbackInfo& info) {
  off_t at = lseek(info[0].ToNumber().Int32Value(), 0, SEEK_CUR);
  if (at < 0) throw SystemCallError(info.Env(), errno, "lseek");
  return Napi::Number::New(info.Env(), static_cast<double>(at));
}

Napi::Value SetPosition(const Napi::CallbackInfo& info) {
  if (lseek(info[0].ToNumber().Int32Value(), info[1].ToNumber().Int64Value(), SEEK_SET) < 0) {
    throw SystemCallError(info.Env(), errno, "lseek");
  }
  return info.Env().Undefined();
}

}  // namespace

void RegisterDurableStream(Napi::Env env, Napi::Object exports) {
  exports.Set("streamSetPeeked", Napi::Function::New(env, SetPeeked));
  exports.Set("streamPeeked", Napi::Function::New(env, Peeked));
  exports.Set("streamDiscard", Napi::Function::New(env, Discard));
  exports.Set("streamSendFile", Napi::Function::New(env, SendFile));
  exports.Set("filePosition", Napi::Function::New(env, Position));
  exports.Set("fileSetPosition", Napi::Function::New(env, SetPosition));
}

}  // namespace gpuvm
