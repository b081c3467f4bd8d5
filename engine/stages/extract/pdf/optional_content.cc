// Poppler knows the groups and their states. It judges memberships, too, but hides what belongs to
// no group and overlooks the policy of a single one.

#include "engine/stages/extract/pdf/optional_content.h"

#include <poppler/Dict.h>
#include <poppler/OptionalContent.h>

namespace penstock::pdf {
namespace {

// Expressions of people have a handful of terms.
constexpr int expression_depth_max = 32;
constexpr int expression_terms_max = 10'000;

}  // namespace

bool OptionalContent::is_visible(const Object& membership) {
  if (membership.isNull() || document_.groups() == nullptr) return true;
  if (!membership.isRef()) return evaluate(membership);
  const auto found = known_.find(membership.getRef());
  if (found != known_.end()) return found->second;
  const bool visible = evaluate(membership);
  known_.emplace(membership.getRef(), visible);
  return visible;
}

bool OptionalContent::is_group_on(const Object& group) const {
  if (!group.isRef()) return true;
  const OptionalContentGroup* known = document_.groups()->findOcgByRef(group.getRef());
  return known == nullptr || known->getState() == OptionalContentGroup::On;
}

bool OptionalContent::evaluate(const Object& membership) {
  const Object dictionary = document_.resolve(membership);
  if (!document_.lookup(dictionary, "Type").isName("OCMD")) return is_group_on(membership);
  const Object expression = document_.lookup(dictionary, "VE");
  if (expression.isArray()) {
    int terms_left = expression_terms_max;
    return evaluate_expression(expression, 0, terms_left);
  }

  const Object& groups = dictionary.getDict()->lookupNF("OCGs");
  const Object list = document_.resolve(groups);
  int on = 0;
  int off = 0;
  const auto count = [&](const Object& group) {
    if (document_.resolve(group).isDict()) ++(is_group_on(group) ? on : off);
  };
  if (list.isArray()) {
    for (int i = 0; i < list.arrayGetLength(); ++i) count(list.arrayGetNF(i));
  } else {
    count(groups);
  }
  if (on + off == 0) return true;
  const Object policy = document_.lookup(dictionary, "P");
  if (policy.isName("AllOn")) return off == 0;
  if (policy.isName("AnyOff")) return off > 0;
  if (policy.isName("AllOff")) return on == 0;
  return on > 0;
}

bool OptionalContent::evaluate_expression(const Object& expression, int depth, int& terms_left) {
  if (!expression.isArray()) return true;
  const int length = expression.arrayGetLength();
  // Fetching it has cost as much, even where it is too deep to be evaluated.
  terms_left -= length;
  if (terms_left < 0 || depth > expression_depth_max) return true;
  const Object operation = length > 0 ? document_.element(expression, 0) : Object(objNull);
  const auto term = [&](int index) {
    if (terms_left < 0) return true;
    const Object& operand = expression.arrayGetNF(index);
    const Object value = document_.resolve(operand);
    return value.isArray() ? evaluate_expression(value, depth + 1, terms_left)
                           : is_group_on(operand);
  };
  if (operation.isName("Not")) return length < 2 || !term(1);
  const bool is_or = operation.isName("Or");
  if (!is_or && !operation.isName("And")) return true;
  for (int i = 1; i < length; ++i)
    if (term(i) == is_or) return is_or;
  return !is_or || length == 1;
}

}  // namespace penstock::pdf
