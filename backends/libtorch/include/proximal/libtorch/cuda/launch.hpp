// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <proximal/cache_folder.hpp>
#include <proximal/libtorch/cuda/kernel_cache.hpp>
#include <proximal/libtorch/nvrtc.hpp>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>

namespace proximal::libtorch::cuda {

/// The functions of CUDA's runtime that load and launch a kernel, by name from the library that LibTorch's CUDA half
/// has loaded: a program needs no CUDA to be built or started. Source: the CUDA Runtime API manual, Library Management
/// and Execution Control.
class runtime {
   public:
    /// The runtime, or nothing where LibTorch brought none that loads libraries (CUDA 12 and later do).
    static std::optional<runtime> find() {
        for (char const* name : {"libcudart.so.13", "libcudart.so.12"})
            if (void* const library = ::dlopen(name, RTLD_NOW | RTLD_NOLOAD)) {
                runtime const found(library);
                if (found.load_ && found.kernel_ && found.launch_ && found.attribute_ && found.text_) return found;
            }
        return std::nullopt;
    }

    /// The GPU's generation: 90 is sm_90.
    int architecture(int device) const {
        int major = 0, minor = 0;
        check(attribute_(&major, 75, device));  // cudaDevAttrComputeCapabilityMajor
        check(attribute_(&minor, 76, device));  // and Minor
        return 10 * major + minor;
    }
    /// A kernel of machine code, which stays loaded until the process ends.
    void* load(std::string const& cubin, char const* entry) const {
        void *library = nullptr, *kernel = nullptr;
        check(load_(&library, cubin.data(), nullptr, nullptr, 0, nullptr, nullptr, 0));
        check(kernel_(&kernel, library, entry));
        return kernel;
    }
    /// Puts a kernel on a stream; `arguments` holds the address of each.
    void launch(void* kernel, std::int64_t blocks, unsigned threads, void** arguments, void* stream) const {
        check(launch_(kernel, {static_cast<unsigned>(blocks), 1, 1}, {threads, 1, 1}, arguments, 0, stream));
    }

   private:
    struct extent {
        unsigned x, y, z;
    };
    explicit runtime(void* library) {
        auto const find = [&](auto& function, char const* name) {
            function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
        };
        find(load_, "cudaLibraryLoadData");
        find(kernel_, "cudaLibraryGetKernel");
        find(launch_, "cudaLaunchKernel");
        find(attribute_, "cudaDeviceGetAttribute");
        find(text_, "cudaGetErrorString");
    }
    void check(int result) const {
        if (result != 0) throw std::runtime_error(std::string("proximal: a GPU kernel failed: ") + text_(result));
    }

    int (*load_)(void**, void const*, void*, void**, unsigned, void*, void**, unsigned) = nullptr;
    int (*kernel_)(void**, void*, char const*) = nullptr;
    int (*launch_)(void const*, extent, extent, void**, std::size_t, void*) = nullptr;
    int (*attribute_)(int*, int, int) = nullptr;
    char const* (*text_)(int) = nullptr;
};

/// Compiles generated kernels for a kind of device, and launches them there.
class launcher {
   public:
    launcher() = default;
    launcher(launcher const&) = delete;
    launcher& operator=(launcher const&) = delete;
    virtual ~launcher() = default;

    /// Runs `entry` of a kernel's text on the current stream of a tensor's GPU: arguments are what the kernel takes,
    /// pointers into that GPU's memory and numbers, each of the very type.
    template <class... Arguments>
    void operator()(std::string const& text, char const* entry, at::Device where, std::int64_t blocks, unsigned threads,
                    Arguments... arguments) const {
        void* list[] = {static_cast<void*>(&arguments)...};
        run(text, entry, where, blocks, threads, list);
    }
    /// The same for arguments that are known by address alone. Nothing is launched for no blocks.
    virtual void run(std::string const& text, char const* entry, at::Device where, std::int64_t blocks,
                     unsigned threads, void** arguments) const = 0;
};

/// Generated kernels on the GPUs of this process: compiled by NVRTC once for each text and GPU, and kept for the next
/// process (see kernel_cache).
class gpu_launcher final : public launcher {
   public:
    /// The launcher, or null where kernels cannot be compiled or launched; that is said once, on stderr.
    static launcher const* find() {
        static std::unique_ptr<gpu_launcher const> const found = [] {
            auto compiler = nvrtc::find();
            auto device = runtime::find();
            if (compiler && device) return std::make_unique<gpu_launcher const>(*compiler, *device);
            std::fputs(
                "note       CUDA's run-time compiler (libnvrtc) was not found: losses, scans, log-probs, "
                "draws and rotations run as LibTorch's operations, not as one kernel each\n",
                stderr);
            return std::unique_ptr<gpu_launcher const>();
        }();
        return found.get();
    }

    gpu_launcher(nvrtc const& compiler, runtime const& device) : compiler_(compiler), runtime_(device) {}

    void run(std::string const& text, char const* entry, at::Device where, std::int64_t blocks, unsigned threads,
             void** arguments) const override {
        if (blocks == 0) return;
        c10::DeviceGuard const guard(where);
        c10::impl::VirtualGuardImpl const gpu(where.type());
        runtime_.launch(kernel(text, entry, where.index()), blocks, threads, arguments,
                        gpu.getStreamNativeHandle(gpu.getStream(where)));
    }

   private:
    void* kernel(std::string const& text, char const* entry, int device) const {
        static std::mutex mutex;
        static std::map<std::tuple<int, std::string, std::string>, void*> kernels;
        std::scoped_lock const lock(mutex);
        auto& kernel = kernels[{device, entry, text}];
        if (kernel == nullptr) {
            int const architecture = runtime_.architecture(device);
            auto const source = compiler_.identity(architecture) + "\n" + text;
            kernel = runtime_.load(cache_.get(source, [&] { return compiler_.compile(text, architecture); }), entry);
        }
        return kernel;
    }

    nvrtc compiler_;
    runtime runtime_;
    kernel_cache cache_{cache_folder()};
};

/// What a kernel calls a dtype, or null where no kernel is made for it.
inline char const* scalar_name(at::ScalarType type) {
    return type == at::kFloat ? "float" : type == at::kDouble ? "double" : nullptr;
}

/// Who launches the same texts on a device that is no NVIDIA GPU: set by who has such a device, before it is used.
inline std::map<at::DeviceType, launcher const*>& other_launchers() {
    static std::map<at::DeviceType, launcher const*> launchers;
    return launchers;
}

/// The launcher for a tensor's numbers: null on the CPU, for dtypes without kernels and where nothing can be launched.
inline launcher const* launcher_for(at::Tensor const& x) {
    if (x.is_cpu() || scalar_name(x.scalar_type()) == nullptr) return nullptr;
    if (x.is_cuda()) return gpu_launcher::find();
    auto const found = other_launchers().find(x.device().type());
    return found == other_launchers().end() ? nullptr : found->second;
}

}  // namespace proximal::libtorch::cuda
