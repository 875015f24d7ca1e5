"""A typed category that is a predefined tag joins it."""

from tests.page.visits import ask, choose, plot_texts, row_value


def test_a_typed_tag_shows_both_scores_in_one_row(page):
    choose(page, "dogs.jpg")
    page.get_by_label("Templates").check()  # other sentences than the model's own
    ask(page, "dog")
    plot_texts(page)
    row = page.locator("#tags .tag-row[data-tag=dog]")
    row.get_by_text("as your own category").wait_for()
    assert page.locator("#tags .tag-row[data-tag=dog]").count() == 1
    card = page.locator("#cards [data-category=dog]")
    assert card.locator(".chip b").first.inner_text() == row.locator(".value.typed").inner_text()
    assert card.locator(".listed b").inner_text() == row_value(page, "dog")
