// One end of a SOCK_SEQPACKET unix socket, as JavaScript has it. Messages keep their bounds and carry descriptors
// (SCM_RIGHTS). Nothing here waits: what the other side has not read yet is kept, up to a bound.
#pragma once
#include <napi.h>
#include <sys/socket.h>

#include <deque>
#include <vector>

#include "arguments.h"
#include "watched.h"

namespace telegen {

constexpr size_t kMessageBytesMax = 256 * 1024;
constexpr uint32_t kMessageDescriptorsMax = 32;

class MessageSocket : public Napi::ObjectWrap<MessageSocket>, public Watched {
 public:
  static Napi::Function Define(Napi::Env env);

  // Made by `listen` and `connect` alone, from a descriptor.
  explicit MessageSocket(const Napi::CallbackInfo &info);
  ~MessageSocket() override;

 protected:
  void OnReady(int events) override;
  void Hold() override { Ref(); }
  void Release() override { Unref(); }

 private:
  struct Waiting {
    std::vector<uint8_t> message;
    std::vector<int> descriptors;
  };

  Napi::Value Send(const Napi::CallbackInfo &info);
  Napi::Value OnMessage(const Napi::CallbackInfo &info);
  Napi::Value OnClose(const Napi::CallbackInfo &info);
  Napi::Value Peer(const Napi::CallbackInfo &info);
  Napi::Value End(const Napi::CallbackInfo &info);

  // An errno, or nothing.
  int Write(const uint8_t *data, size_t length, const std::vector<int> &descriptors);
  void Keep(const Bytes &message, const std::vector<int> &descriptors);
  void Flush();
  void Discard();
  int Interest() const;
  void Receive(const Napi::Object &self);
  void Lost(const Napi::Object &self, int error);

  ucred peer_{};
  bool reading_ = false;
  bool takes_descriptors_ = true;
  std::deque<Waiting> waiting_;
  size_t waiting_bytes_ = 0;
  Napi::FunctionReference on_message_;
  Napi::FunctionReference on_close_;
};

}  // namespace telegen
