// SPDX-License-Identifier: Apache-2.0
#pragma once

// What c10d's ProcessGroupGloo.hpp names of Gloo. LibTorch's wheel holds Gloo's code, in libtorch_cpu, but not its
// headers. Nothing here is called by us but the virtual functions of Store, whose order is Gloo's: it is its table's.
// A LibTorch that brings Gloo's headers is found first, since this folder is searched last.
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace gloo {
class Context {
   public:
    void setTimeout(std::chrono::milliseconds timeout);
};
namespace transport {
class Device;
class UnboundBuffer;
}  // namespace transport
namespace rendezvous {
class Store {
   public:
    virtual ~Store();
    virtual void set(std::string const& key, std::vector<char> const& data) = 0;
    virtual std::vector<char> get(std::string const& key) = 0;
    virtual void wait(std::vector<std::string> const& keys) = 0;
    virtual void wait(std::vector<std::string> const& keys, std::chrono::milliseconds const& timeout) = 0;
    virtual bool has_v2_support();
    virtual std::vector<std::vector<char>> multi_get(std::vector<std::string> const& keys);
    virtual void multi_set(std::vector<std::string> const& keys, std::vector<std::vector<char>> const& values);
    virtual void append(std::string const& key, std::vector<char> const& data);
    virtual std::int64_t add(std::string const& key, std::int64_t value);
};
}  // namespace rendezvous
}  // namespace gloo
