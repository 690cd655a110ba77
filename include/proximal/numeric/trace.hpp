// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <memory>
#include <proximal/numeric/functions.hpp>
#include <proximal/numeric/numeric.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace proximal {

/// One operation of a recorded formula: a C expression with an @ for each operand.
struct trace_node {
    std::string text;
    std::vector<std::shared_ptr<trace_node const>> operands{};
};
/// A recorded operation, shared by all that build on it.
using recorded = std::shared_ptr<trace_node const>;

/// A comparison that was recorded: true or false when the text runs.
struct traced_condition {
    recorded root;

    friend traced_condition operator|(traced_condition const& a, traced_condition const& b) {
        return {std::make_shared<trace_node const>(trace_node{"@ || @", {a.root, b.root}})};
    }
    friend traced_condition operator&(traced_condition const& a, traced_condition const& b) {
        return {std::make_shared<trace_node const>(trace_node{"@ && @", {a.root, b.root}})};
    }
};

/// A scalar that computes nothing and remembers how: number<trace, N> records a formula with its N derivatives, and
/// source_text writes the record down as C, for a compiler at run time.
///
/// It stands where a double or a pack stands, so the derivatives, ties, bounds and NaN of the text are those of
/// functions.hpp by construction. A record is a value that shares its parts: no tape, no global state, any thread.
class trace {
   public:
    trace() = default;  // a partial that nothing has been added to yet
    trace(double x) : root_(make(constant(x))) {}
    explicit trace(traced_condition const& condition) : root_(make("T(@)", condition.root)) {}

    /// The quantity that the text will read under this name.
    static trace input(std::string name) { return trace(make(std::move(name))); }

    /// Whether it is an exact 0 that no operation made.
    bool is_nothing() const { return root_ == nullptr; }
    /// The recorded operation; null for nothing.
    recorded const& root() const { return root_; }

    friend trace operator+(trace const& a, trace const& b) {
        return a.is_nothing() ? b : b.is_nothing() ? a : trace(make("@ + @", a.root_, b.root_));
    }
    friend trace operator-(trace const& a, trace const& b) {
        return b.is_nothing() ? a : a.is_nothing() ? -b : trace(make("@ - @", a.root_, b.root_));
    }
    friend trace operator*(trace const& a, trace const& b) {  // exact whatever the other side holds: 1 · x, −1 · x
        if (a.is_nothing() || b.is_nothing()) return {};
        return a.is(1.0)    ? b
               : b.is(1.0)  ? a
               : a.is(-1.0) ? -b
               : b.is(-1.0) ? -a
                            : trace(make("@ * @", a.root_, b.root_));
    }
    friend trace operator/(trace const& a, trace const& b) { return trace(make("@ / @", a.written(), b.written())); }
    friend trace operator-(trace const& a) { return a.is_nothing() ? a : trace(make("-@", a.root_)); }

    friend traced_condition operator<(trace const& a, trace const& b) { return relate("@ < @", a, b); }
    friend traced_condition operator>(trace const& a, trace const& b) { return relate("@ > @", a, b); }
    friend traced_condition operator<=(trace const& a, trace const& b) { return relate("@ <= @", a, b); }
    friend traced_condition operator>=(trace const& a, trace const& b) { return relate("@ >= @", a, b); }
    friend traced_condition operator==(trace const& a, trace const& b) { return relate("@ == @", a, b); }
    friend traced_condition operator!=(trace const& a, trace const& b) {
        if (a.root_ && a.root_->text == "T(@)" && b.is(0.0)) return {a.root_->operands[0]};  // T(condition) != 0
        return relate("@ != @", a, b);
    }

    friend trace blend(traced_condition const& condition, trace const& yes, trace const& no) {
        if (yes.root_ == no.root_) return yes;
        return trace(make("@ ? @ : @", condition.root, yes.written(), no.written()));
    }
    friend trace exp(trace const& x) { return trace(make("exp(@)", x.written())); }
    friend trace expm1(trace const& x) { return trace(make("expm1(@)", x.written())); }
    friend trace log(trace const& x) { return trace(make("log(@)", x.written())); }
    friend trace sqrt(trace const& x) { return trace(make("sqrt(@)", x.written())); }

   private:
    explicit trace(recorded root) : root_(std::move(root)) {}

    template <class... Operands>
    static recorded make(std::string text, Operands const&... operands) {
        return std::make_shared<trace_node const>(trace_node{std::move(text), {operands...}});
    }
    static traced_condition relate(char const* text, trace const& a, trace const& b) {
        return {make(text, a.written(), b.written())};
    }
    static std::string constant(double x) {
        if (x != x) return "T(0.0 / 0.0)";
        if (x - x != 0.0) return x > 0.0 ? "T(1.0 / 0.0)" : "T(-1.0 / 0.0)";
        char digits[48];
        std::snprintf(digits, sizeof digits, "T(%a)", x);  // hexadecimal: no digit is lost
        return digits;
    }
    bool is(double x) const { return root_ != nullptr && root_->text == constant(x); }
    recorded written() const { return root_ ? root_ : make(constant(0.0)); }

    recorded root_;
};
static_assert(Numeric<number<trace, 3>>);

}  // namespace proximal
