#include "release.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

namespace telegen {
namespace {

// Never destroyed: a thread may still be at it while the process ends.
struct Queue {
  std::mutex mutex;
  std::condition_variable idle;
  std::deque<std::function<void()>> waiting;
  bool running = false;
};
Queue &queue = *new Queue();

void Run() {
  std::unique_lock<std::mutex> lock(queue.mutex);
  while (!queue.waiting.empty()) {
    const std::function<void()> release = std::move(queue.waiting.front());
    queue.waiting.pop_front();
    lock.unlock();
    release();
    lock.lock();
  }
  queue.running = false;
  queue.idle.notify_all();
}

}  // namespace

void ReleaseLater(std::function<void()> release) {
  {
    const std::lock_guard<std::mutex> lock(queue.mutex);
    queue.waiting.push_back(std::move(release));
    if (queue.running) return;
    queue.running = true;
  }
  try {
    std::thread(Run).detach();
  } catch (const std::system_error &) {
    Run();
  }
}

void WaitForReleases() {
  std::unique_lock<std::mutex> lock(queue.mutex);
  queue.idle.wait(lock, [] { return !queue.running; });
}

}  // namespace telegen
