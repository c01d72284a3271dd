#include "seccomp.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "errors.h"
#include "exec-wrapper/filter.h"
#include "seccomp_listener.h"

namespace gpuvm {
namespace {

// new SeccompListener(listenerFd, controlFd, slots): owns the listener, which is closed with the thread, whatever ends
// that: a listener that is held and not served hangs the guest, a closed one makes its calls fail.
class SeccompListener : public Napi::ObjectWrap<SeccompListener> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "SeccompListener",
                       {InstanceMethod<&SeccompListener::Next>("next"), InstanceMethod<&SeccompListener::Close>("close"),
                        InstanceMethod<&SeccompListener::SyncWakeUp>("enableSyncWakeUp"),
                        InstanceMethod<&SeccompListener::Resume>("resume"),
                        InstanceMethod<&SeccompListener::Kept>("keptMemory"),
                        InstanceMethod<&SeccompListener::Adopt>("adoptMemory"),
                        InstanceAccessor<&SeccompListener::Descriptor>("fd"),
                        InstanceAccessor<&SeccompListener::Stale>("stale")});
  }

  explicit SeccompListener(const Napi::CallbackInfo& info) : Napi::ObjectWrap<SeccompListener>(info) {
    Napi::Env env = info.Env();
    const int listener = info[0].As<Napi::Number>().Int32Value();
    const int control = info[1].As<Napi::Number>().Int32Value();
    Napi::ArrayBuffer slots = info[2].As<Napi::ArrayBuffer>();
    slot_count_ = static_cast<int>(slots.ByteLength() / sizeof(Slot));
    slots_ = Napi::Persistent(slots);

    const int stand_in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (stand_in < 0) throw SystemCallError(env, errno, "open", "/dev/null");
    try {
      listener_ = std::make_unique<Listener>(listener, control, stand_in, static_cast<Slot*>(slots.Data()),
                                             static_cast<uint32_t>(slot_count_));
    } catch (const ListenerFailure& failure) {
      close(stand_in);
      throw SystemCallError(env, failure.error, failure.syscall);
    }
    env_ = env;
    napi_add_env_cleanup_hook(env, OnEnvironmentEnd, this);
  }

  ~SeccompListener() override {
    if (env_ != nullptr) napi_remove_env_cleanup_hook(env_, OnEnvironmentEnd, this);
  }

 private:
  static void OnEnvironmentEnd(void* self) {
    SeccompListener* owner = static_cast<SeccompListener*>(self);
    owner->env_ = nullptr;
    owner->listener_.reset();
  }

  // Runs `body` on the open listener; a failed system call becomes a JavaScript error.
  template <typename Body>
  auto With(const Napi::CallbackInfo& info, Body body) {
    if (!listener_) throw SystemCallError(info.Env(), EBADF, "ioctl", "closed listener");
    try {
      return body(*listener_);
    } catch (const ListenerFailure& failure) {
      throw SystemCallError(info.Env(), failure.error, failure.syscall);
    }
  }

  // (reply, receive, timeoutMs) -> event; the one call of a transfer.
  Napi::Value Next(const Napi::CallbackInfo& info) {
    const int reply = info[0].As<Napi::Number>().Int32Value();
    const int receive = info[1].As<Napi::Number>().Int32Value();
    const int timeout_ms = info[2].As<Napi::Number>().Int32Value();
    if (reply >= slot_count_ || receive >= slot_count_ || (reply < 0 && receive < 0)) {
      throw Napi::RangeError::New(info.Env(), "no such slot");
    }
    int event = With(info, [&](Listener& listener) { return listener.Next(reply, receive, timeout_ms); });
    return Napi::Number::New(info.Env(), event);
  }

  Napi::Value SyncWakeUp(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), With(info, [](Listener& listener) { return listener.EnableSyncWakeUp(); }));
  }

  // (slot) -> event
  Napi::Value Resume(const Napi::CallbackInfo& info) {
    const int slot = info[0].As<Napi::Number>().Int32Value();
    if (slot < 0 || slot >= slot_count_) throw Napi::RangeError::New(info.Env(), "no such slot");
    return Napi::Number::New(info.Env(), With(info, [slot](Listener& listener) { return listener.Resume(slot); }));
  }

  void Close(const Napi::CallbackInfo&) {
    if (listener_) stale_ = listener_->stale();
    listener_.reset();
  }

  Napi::Value Kept(const Napi::CallbackInfo& info) {
    Napi::Array result = Napi::Array::New(info.Env());
    uint32_t index = 0;
    for (const auto& [process, fd] : With(info, [](Listener& listener) { return listener.memory().Kept(); })) {
      Napi::Array pair = Napi::Array::New(info.Env(), 2);
      pair.Set(0u, Napi::Number::New(info.Env(), process));
      pair.Set(1u, Napi::Number::New(info.Env(), fd));
      result.Set(index++, pair);
    }
    return result;
  }

  void Adopt(const Napi::CallbackInfo& info) {
    const int process = info[0].As<Napi::Number>().Int32Value();
    const int fd = info[1].As<Napi::Number>().Int32Value();
    With(info, [&](Listener& listener) { listener.memory().Adopt(process, fd); });
  }

  Napi::Value Descriptor(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), listener_ ? listener_->descriptor() : -1);
  }

  Napi::Value Stale(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), listener_ ? listener_->stale() : stale_);
  }

  std::unique_ptr<Listener> listener_;
  Napi::Reference<Napi::ArrayBuffer> slots_;
  int slot_count_ = 0;
  uint32_t stale_ = 0;
  napi_env env_ = nullptr;
};

// The numbers that src/native/seccomp.ts has as constants, for the test that holds the two together.
Napi::Object Layout(Napi::Env env) {
  Napi::Object layout = Napi::Object::New(env);
  auto set = [&](const char* name, size_t value) { layout.Set(name, Napi::Number::New(env, static_cast<double>(value))); };
  set("SIZE", sizeof(Slot));
  set("ID", offsetof(Slot, notification) + offsetof(seccomp_notif, id));
  set("THREAD", offsetof(Slot, notification) + offsetof(seccomp_notif, pid));
  set("BUFFER", offsetof(Slot, notification) + offsetof(seccomp_notif, data) + offsetof(seccomp_data, args) + 8);
  set("MESSAGE", offsetof(Slot, message));
  set("MESSAGE_TX_SIZE", offsetof(Slot, message) + offsetof(HostMessage, tx_size));
  set("MESSAGE_RX_SIZE", offsetof(Slot, message) + offsetof(HostMessage, rx_size));
  set("FAULT", offsetof(Slot, fault));
  set("TX_SIZE", offsetof(Slot, tx_size));
  set("RX_ROOM", offsetof(Slot, rx_room));
  set("STAGE", offsetof(Slot, stage));
  set("REPLY", offsetof(Slot, reply));
  set("ERROR", offsetof(Slot, error));
  set("RET", offsetof(Slot, ret));
  set("RX_SIZE", offsetof(Slot, rx_size));
  set("TX", offsetof(Slot, tx));
  set("RX", offsetof(Slot, rx));
  return layout;
}

}  // namespace

void RegisterSeccomp(Napi::Env env, Napi::Object exports) {
  exports.Set("SeccompListener", SeccompListener::Define(env));
  exports.Set("seccompSlotLayout", Layout(env));
}

}  // namespace gpuvm
