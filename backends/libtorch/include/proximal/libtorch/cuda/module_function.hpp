// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <dlfcn.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

namespace proximal::libtorch::cuda {

/// A function of libproximal_cuda.so. Programs link LibTorch's CPU library alone and load its CUDA library where a GPU
/// is (see choose_device); what needs that library to link is a module of its own, which lies beside the program or in
/// ../lib. `name` is the function's, as C declares it, and Function its type.
/// Throws std::runtime_error where the module, which is built where LibTorch brings CUDA, is not there: `what` cannot
/// be used then, and `otherwise` says what to do instead.
template <class Function>
Function* module_function(char const* name, std::string const& what, std::string const& otherwise) {
    static constexpr char const* module_name = "libproximal_cuda.so";
    std::error_code ignored;
    auto const program = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
    void* module = nullptr;
    std::string why;
    for (auto const& place :
         {program / module_name, program / "../lib" / module_name, std::filesystem::path(module_name)})
        if (module == nullptr) {
            module = ::dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
            if (auto const* const error = module == nullptr ? ::dlerror() : nullptr; why.empty() && error != nullptr)
                why = error;
        }
    auto* const found = module == nullptr ? nullptr : reinterpret_cast<Function*>(::dlsym(module, name));
    if (module != nullptr && found == nullptr) why = std::string(module_name) + " is of another version";
    if (found == nullptr)
        throw std::runtime_error(what + " cannot be used (" + why + "): build with a LibTorch that brings CUDA, or " +
                                 otherwise);
    return found;
}

}  // namespace proximal::libtorch::cuda
