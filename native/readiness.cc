#include "readiness.h"

#include <uv.h>

#include "errors.h"

namespace gpuvm {
namespace {

class Readiness;

// libuv's handle outlives the JavaScript object until its close callback has run, so it is an allocation of its own.
struct Handle {
  uv_poll_t poll;
  Readiness* owner;
  napi_async_cleanup_hook_handle cleanup;
};

class Readiness : public Napi::ObjectWrap<Readiness> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "Readiness",
                       {InstanceMethod<&Readiness::Watch>("watch"), InstanceMethod<&Readiness::Close>("close")});
  }

  explicit Readiness(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<Readiness>(info), context_(info.Env(), "gpuvm:readiness") {
    Napi::Env env = info.Env();
    uv_loop_t* loop = nullptr;
    if (napi_get_uv_event_loop(env, &loop) != napi_ok) throw Napi::Error::New(env, "there is no event loop");
    callback_ = Napi::Persistent(info[1].As<Napi::Function>());
    Handle* handle = new Handle{};
    int error = uv_poll_init(loop, &handle->poll, info[0].ToNumber().Int32Value());
    if (error != 0) {
      delete handle;
      throw SystemCallError(env, -error, "uv_poll_init");
    }
    handle->owner = this;
    handle->poll.data = handle;
    napi_add_async_cleanup_hook(env, OnEnvironmentEnd, handle, &handle->cleanup);
    handle_ = handle;
    // An open watch is in use although nothing in JavaScript may point at it.
    Ref();
  }

  ~Readiness() override { Detach(); }

 private:
  Napi::Value Watch(const Napi::CallbackInfo& info) {
    if (handle_ == nullptr) return info.Env().Undefined();
    int events = info[0].ToNumber().Int32Value();
    int error = events == 0 ? uv_poll_stop(&handle_->poll) : uv_poll_start(&handle_->poll, events, OnReady);
    if (error != 0) throw SystemCallError(info.Env(), -error, "uv_poll_start");
    return info.Env().Undefined();
  }

  Napi::Value Close(const Napi::CallbackInfo& info) {
    if (handle_ != nullptr) {
      Detach();
      Unref();
    }
    return info.Env().Undefined();
  }

  void Detach() {
    if (handle_ == nullptr) return;
    handle_->owner = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&handle_->poll), OnClosed);
    handle_ = nullptr;
  }

  static void OnEnvironmentEnd(napi_async_cleanup_hook_handle, void* data) {
    Handle* handle = static_cast<Handle*>(data);
    if (handle->owner != nullptr) handle->owner->Detach();
  }

  static void OnClosed(uv_handle_t* closed) {
    Handle* handle = static_cast<Handle*>(closed->data);
    napi_remove_async_cleanup_hook(handle->cleanup);
    delete handle;
  }

  static void OnReady(uv_poll_t* poll, int status, int events) {
    Readiness* self = static_cast<Handle*>(poll->data)->owner;
    if (self == nullptr) return;
    Napi::Env env = self->Env();
    Napi::HandleScope scope(env);
    // Both a failed poll and a hang-up are things to look at by reading.
    napi_value what = Napi::Number::New(env, status < 0 ? UV_READABLE | UV_DISCONNECT : events);
    napi_value error;
    // A thread that is being ended runs no JavaScript any more, and then there is no exception to report either.
    if (napi_make_callback(env, self->context_, env.Global(), self->callback_.Value(), 1, &what, nullptr) != napi_ok &&
        napi_get_and_clear_last_exception(env, &error) == napi_ok) {
      napi_fatal_exception(env, error);
    }
  }

  Napi::AsyncContext context_;
  Napi::FunctionReference callback_;
  Handle* handle_ = nullptr;
};

}  // namespace

void RegisterReadiness(Napi::Env env, Napi::Object exports) { exports.Set("Readiness", Readiness::Define(env)); }

}  // namespace gpuvm
