"""What the members of the forum examples do and see."""

from playwright.sync_api import Page, expect

PASSWORD = "correct horse"
AWAY = "The forum is away"


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def write(page: Page, text: str) -> None:
    page.get_by_label("Your post").fill(text)
    page.get_by_role("button", name="Post", exact=True).click()


def sees_online(page: Page, *names: str) -> None:
    expect(page.get_by_role("list", name="Online").get_by_role("listitem")).to_have_text(names)


def sees_post(page: Page, text: str) -> None:
    """It is the newest."""
    posts = page.get_by_role("list", name="Posts").get_by_role("listitem")
    expect(posts.first.locator(".text")).to_have_text(text)
