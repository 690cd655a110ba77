// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "temporary_folder.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>

namespace support {

/// Recorded formulas' C text, compiled by the compiler that built this test and loaded: one run for all its functions.
class compiled_text {
   public:
    using function = void (*)(double const* in, double* out);

    /// Throws std::runtime_error where the compiler refuses the text, warnings included.
    explicit compiled_text(std::string const& functions,
                           std::string const& options = "-std=c++17 -O1 -Wall -Wextra -Werror",
                           std::string const& preamble = "typedef double T;\n") {
        auto const source = folder_.path / "text.cpp", library = folder_.path / "text.so";
        std::ofstream(source) << "#include <cmath>\nusing std::exp, std::expm1, std::log, std::sqrt;\n"
                              << preamble << functions;
        auto const command = std::string(PROXIMAL_COMPILER) + " " + options + " -ffp-contract=off -shared -fPIC -o " +
                             library.string() + " " + source.string();
        if (std::system(command.c_str()) != 0) throw std::runtime_error("the compiler refused a recorded text");
        loaded_ = dlopen(library.c_str(), RTLD_NOW);
        if (loaded_ == nullptr) throw std::runtime_error(dlerror());
    }
    compiled_text(compiled_text const&) = delete;
    compiled_text& operator=(compiled_text const&) = delete;
    ~compiled_text() {
        if (loaded_ != nullptr) dlclose(loaded_);
    }

    function find(std::string const& name) const { return find<function>(name); }
    template <class Function>
    Function find(std::string const& name) const {
        auto const address = dlsym(loaded_, name.c_str());
        if (address == nullptr) throw std::runtime_error("no function " + name + " in the text");
        return reinterpret_cast<Function>(address);
    }

   private:
    temporary_folder folder_;
    void* loaded_ = nullptr;
};

}  // namespace support
