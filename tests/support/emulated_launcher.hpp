// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/libtorch/cuda/launch.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "compiled_text.hpp"
#include "emulated_kernels.hpp"
#include "pretend_device.hpp"

namespace support::pretend {

/// Launches generated kernels on the pretend device: the very texts, grids and arguments that a GPU gets. A kernel's
/// text is compiled by the host's compiler and run lane by lane; a pointer that is not into the device's memory throws.
/// A launch counts as one operation.
class emulated_launcher final : public proximal::libtorch::cuda::launcher {
   public:
    void run(std::string const& text, char const* entry, at::Device, std::int64_t blocks, unsigned threads,
             void** arguments) const override {
        if (blocks == 0) return;
        static std::mutex one_at_a_time;  // blocks share their memory in the text
        std::scoped_lock const lock(one_at_a_time);
        operation const here;
        auto const& kernel = compiled(text, entry);
        if (under_way && !here.outer) {
            std::vector<std::array<std::byte, 8>> kept(kernel.sizes.size());
            for (std::size_t i = 0; i < kept.size(); ++i) std::memcpy(kept[i].data(), arguments[i], kernel.sizes[i]);
            under_way->operations.emplace_back([&kernel, kept, blocks, threads]() mutable {
                std::vector<void*> again;
                for (auto& one : kept) again.push_back(one.data());
                call(kernel, blocks, threads, again.data());
            });
        }
        call(kernel, blocks, threads, arguments);
        ++launches;
    }
    mutable std::int64_t launches = 0;

   private:
    struct kernel {
        std::unique_ptr<compiled_text> text;
        std::vector<bool> is_pointer;
        std::vector<std::size_t> sizes;  // of each argument
        void (*run)(unsigned, unsigned, void**);
    };
    static void call(kernel const& kernel, std::int64_t blocks, unsigned threads, void** arguments) {
        std::vector<void*> given(arguments, arguments + kernel.is_pointer.size());
        std::vector<void*> contents(given.size());
        for (std::size_t i = 0; i < given.size(); ++i)
            if (kernel.is_pointer[i]) {
                contents[i] = content_at(*static_cast<void**>(arguments[i]));
                given[i] = &contents[i];
            }
        kernel.run(static_cast<unsigned>(blocks), threads, given.data());
    }
    kernel const& compiled(std::string const& text, std::string const& entry) const {
        auto& made = kernels_[{text, entry}];
        if (made.text) return made;
        auto const begin = text.find("void " + entry + "(");
        if (begin == std::string::npos) throw std::runtime_error("no kernel " + entry + " in the text");
        auto const open = text.find('(', begin), close = text.find(')', open);
        std::string loads, names;
        std::string rest = text.substr(open + 1, close - open - 1);
        std::replace(rest.begin(), rest.end(), '\n', ' ');
        for (std::size_t at = 0; at < rest.size();) {
            auto const comma = std::min(rest.find(',', at), rest.size());
            auto const parameter = rest.substr(at, comma - at);
            at = comma + 1;
            auto const number = std::to_string(made.is_pointer.size());
            bool const is_pointer = parameter.find('*') != std::string::npos;
            auto const type =
                parameter.substr(0, is_pointer ? parameter.rfind('*') + 1
                                               : parameter.find_last_of(' ', parameter.find_last_not_of(' ')));
            loads += "    " + type + " const a" + number + " = *(" + type + (is_pointer ? "" : " const") + "*)a[" +
                     number + "];\n";
            names += (names.empty() ? "a" : ", a") + number;
            made.is_pointer.push_back(is_pointer);
            bool const is_double = type.find("double") != std::string::npos ||
                                   (type.find("T") != std::string::npos && text.starts_with("typedef double T"));
            bool const is_long = is_pointer || is_double || type.find("long") != std::string::npos;
            made.sizes.push_back(is_long ? 8 : 4);
        }
        made.text = std::make_unique<compiled_text>(
            kernel_device + text + "extern \"C\" void run(unsigned blocks, unsigned threads, void** a) {\n" + loads +
                "    launch(blocks, threads, [&] { " + entry + "(" + names + "); });\n}\n",
            "-std=c++20 -O1 -Wno-multichar", "");
        made.run = made.text->find<void (*)(unsigned, unsigned, void**)>("run");
        return made;
    }
    mutable std::map<std::pair<std::string, std::string>, kernel> kernels_;
};

/// While it lives, generated kernels run on the pretend device.
class with_kernels {
   public:
    with_kernels() {
        static emulated_launcher const one;
        launcher_ = &one;
        proximal::libtorch::cuda::other_launchers()[at::kPrivateUse1] = launcher_;
    }
    with_kernels(with_kernels const&) = delete;
    with_kernels& operator=(with_kernels const&) = delete;
    ~with_kernels() { proximal::libtorch::cuda::other_launchers().erase(at::kPrivateUse1); }
    std::int64_t launches() const { return launcher_->launches; }

   private:
    emulated_launcher const* launcher_ = nullptr;
};

}  // namespace support::pretend
