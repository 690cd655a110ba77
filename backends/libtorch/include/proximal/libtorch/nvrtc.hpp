// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <dlfcn.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace proximal::libtorch {

/// CUDA's run-time compiler: source text in, machine code of one GPU generation out, without nvcc and without a GPU.
///
/// Source: the NVRTC manual, docs.nvidia.com/cuda/nvrtc. Loaded by name when first asked for (libnvrtc.so.13, .12, or
/// plain), so that a program starts, and builds, where there is no CUDA. The prototypes used are declared here.
class nvrtc {
   public:
    /// The compiler, or nothing where none is installed.
    static std::optional<nvrtc> find() {
        for (char const* name : {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"})
            if (void* const library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) {
                nvrtc const found(library);
                load_builtins(reinterpret_cast<void const*>(found.create_));
                return found;
            }
        return std::nullopt;
    }

    /// Its version, "13.0".
    std::string version() const {
        int major = 0, minor = 0;
        check(version_(&major, &minor));
        return std::to_string(major) + "." + std::to_string(minor);
    }

    /// A cubin for `architecture`: 90 is sm_90. Sums of products are not contracted, so that the device rounds as the
    /// host.
    /// Throws std::runtime_error with the compiler's log where the text is wrong.
    std::string compile(std::string const& source, int architecture) const {
        program* raw = nullptr;
        check(create_(&raw, source.c_str(), "proximal.cu", 0, nullptr, nullptr));
        auto const destroy = [this](program* p) { destroy_(&p); };
        std::unique_ptr<program, decltype(destroy)> const owner(raw, destroy);
        auto const given = options(architecture);
        std::vector<char const*> options;
        for (auto const& option : given) options.push_back(option.c_str());
        int const result = compile_(raw, static_cast<int>(options.size()), options.data());
        if (result == invalid_option)
            throw std::runtime_error("proximal: the CUDA run-time compiler " + version() + " knows no GPU of sm_" +
                                     std::to_string(architecture) +
                                     ": install a LibTorch whose CUDA does, or stay on the CPU with --use_cpu");
        if (result != 0) {
            std::size_t size = 0;
            check(log_size_(raw, &size));
            std::string log(size, '\0');
            check(log_(raw, log.data()));
            throw std::runtime_error("proximal: the CUDA run-time compiler refused a generated kernel: " + log);
        }
        std::size_t size = 0;
        check(cubin_size_(raw, &size));
        std::string cubin(size, '\0');
        check(cubin_(raw, cubin.data()));
        return cubin;
    }

    /// What beside the text decides about the machine code: version and options.
    std::string identity(int architecture) const {
        std::string all = "NVRTC " + version();
        for (auto const& option : options(architecture)) all += " " + option;
        return all;
    }

   private:
    struct program;
    static std::vector<std::string> options(int architecture) {
        return {"--gpu-architecture=sm_" + std::to_string(architecture), "--std=c++17", "--fmad=false"};
    }
    static constexpr int invalid_option = 5;  // NVRTC_ERROR_INVALID_OPTION

    explicit nvrtc(void* library)
        : version_(symbol<decltype(version_)>(library, "nvrtcVersion")),
          create_(symbol<decltype(create_)>(library, "nvrtcCreateProgram")),
          destroy_(symbol<decltype(destroy_)>(library, "nvrtcDestroyProgram")),
          compile_(symbol<decltype(compile_)>(library, "nvrtcCompileProgram")),
          log_size_(symbol<decltype(log_size_)>(library, "nvrtcGetProgramLogSize")),
          log_(symbol<decltype(log_)>(library, "nvrtcGetProgramLog")),
          cubin_size_(symbol<decltype(cubin_size_)>(library, "nvrtcGetCUBINSize")),
          cubin_(symbol<decltype(cubin_)>(library, "nvrtcGetCUBIN")) {}

    /// The compiler opens libnvrtc-builtins by name alone, which fails where it lies beside libnvrtc in a Python wheel
    /// and nowhere on the loader's path: loaded from there first, the name is known.
    static void load_builtins(void const* inside) {
        Dl_info where{};
        if (dladdr(inside, &where) == 0) return;
        std::error_code unreadable;
        auto const folder = std::filesystem::path(where.dli_fname).parent_path();
        for (auto const& entry : std::filesystem::directory_iterator(folder, unreadable))
            if (entry.path().filename().string().starts_with("libnvrtc-builtins.so"))
                dlopen(entry.path().c_str(), RTLD_NOW | RTLD_LOCAL);
    }

    template <class Function>
    static Function symbol(void* library, char const* name) {
        void* const address = dlsym(library, name);
        if (address == nullptr)
            throw std::runtime_error(std::string("proximal: libnvrtc lacks ") + name + ": install another version");
        return reinterpret_cast<Function>(address);
    }
    static void check(int result) {
        if (result != 0) throw std::runtime_error("proximal: nvrtc failed with code " + std::to_string(result));
    }

    int (*version_)(int*, int*);
    int (*create_)(program**, char const*, char const*, int, char const* const*, char const* const*);
    int (*destroy_)(program**);
    int (*compile_)(program*, int, char const* const*);
    int (*log_size_)(program*, std::size_t*);
    int (*log_)(program*, char*);
    int (*cubin_size_)(program*, std::size_t*);
    int (*cubin_)(program*, char*);
};

}  // namespace proximal::libtorch
