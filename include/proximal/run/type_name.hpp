// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <typeinfo>

namespace proximal::run {

/// The name of a thing's own type, as its author wrote it: "proximal::run::early_stopping".
template <class T>
std::string type_name(T const& thing) {
    auto const* const mangled = typeid(thing).name();
    int status = 0;
    std::unique_ptr<char, decltype(&std::free)> const name(abi::__cxa_demangle(mangled, nullptr, nullptr, &status),
                                                           &std::free);
    return status == 0 && name ? name.get() : mangled;
}

}  // namespace proximal::run
