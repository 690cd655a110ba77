// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <map>
#include <proximal/compose/reflect.hpp>
#include <string>
#include <string_view>
#include <type_traits>

namespace proximal {

/// What asks whether a type has state, and keeps none of it.
struct state_probe {
    constexpr void operator()(std::string_view, auto&) const {}
};

/// Something that learns, and shows what it has learnt by one function that serves writing and reading alike:
///
///     template <class Archive>
///     constexpr void visit_state(Archive& archive) { archive("mean", mean), archive("count", count); }
///
/// Knobs are what a user chose; they are no state. An archive takes a name and a reference to a number, a text, or a
/// vector of whole numbers: see run/state_archive.hpp.
template <class T>
concept Stateful = requires(T& x, state_probe& archive) {
    x.visit_state(archive);
};

/// Puts a name in front of every name that something hands to an archive.
template <class Archive>
struct named_archive {
    Archive& inner;
    std::string prefix;

    void operator()(std::string_view name, auto& value) { inner(prefix + "/" + std::string(name), value); }
};

/// Shows an archive the state of every part of an algorithm, each under its part's name; the second part of a name is
/// NAME_2.
template <class Part, class Archive>
void visit_state_of_parts(Part& whole, Archive& archive) {
    std::map<std::string, int> times;
    auto const visit = [&](auto const& self, auto& part) -> void {
        using Visited = std::remove_cvref_t<decltype(part)>;
        if constexpr (Stateful<Visited>) {
            std::string name(part_name<Visited>());
            if (int const time = ++times[name]; time > 1) name += "_" + std::to_string(time);
            named_archive<Archive> named{archive, name};
            part.visit_state(named);
        }
        visit_parts(part, [&](auto& inner) { self(self, inner); });
    };
    visit(visit, whole);
}

}  // namespace proximal
