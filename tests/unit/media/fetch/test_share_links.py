"""Share links become direct ones where there is a public form; other pages are explained."""

from __future__ import annotations

import base64

import pytest

from lib.media.request.share_links import Direct, PageLink, direct
from lib.media.urls import clean

ID = "1A2b3C4d5E6f7G8h9I0jKLMNopq-_RSTUV"
DRIVE = f"https://drive.usercontent.google.com/download?id={ID}&export=download&confirm=t"


def _shares(url: str) -> str:
    token = base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
    return f"https://api.onedrive.com/v1.0/shares/u!{token}/root/content"


@pytest.mark.parametrize(
    ("link", "target", "service"),
    [
        (f"https://drive.google.com/file/d/{ID}/view?usp=sharing", DRIVE, "Google Drive"),
        (f"https://drive.google.com/file/d/{ID}/view#x", DRIVE, "Google Drive"),
        (f"https://drive.google.com/file/d/{ID}", DRIVE, "Google Drive"),
        (f"https://drive.google.com/file/u/1/d/{ID}/preview", DRIVE, "Google Drive"),
        (f"https://drive.google.com/a/corp.example/file/d/{ID}/edit", DRIVE, "Google Drive"),
        (f"https://drive.google.com/open?id={ID}", DRIVE, "Google Drive"),
        (f"https://drive.google.com/uc?export=download&id={ID}", DRIVE, "Google Drive"),
        (f"https://docs.google.com/uc?id={ID}", DRIVE, "Google Drive"),
        (f"http://drive.google.com/file/d/{ID}/view?resourcekey=0-a_b",
         DRIVE + "&resourcekey=0-a_b", "Google Drive"),
        ("https://www.dropbox.com/s/abc123/a%20b.mp4?dl=0",
         "https://www.dropbox.com/s/abc123/a%20b.mp4?dl=1", "Dropbox"),
        ("https://dropbox.com/s/abc123/a.mp4", "https://dropbox.com/s/abc123/a.mp4?dl=1",
         "Dropbox"),
        ("https://www.dropbox.com/scl/fi/x/a.mp4?rlkey=k&st=s&dl=0",
         "https://www.dropbox.com/scl/fi/x/a.mp4?rlkey=k&st=s&dl=1", "Dropbox"),
        ("https://www.dropbox.com/scl/fi/x/a.mp4?raw=0&rlkey=k#t",
         "https://www.dropbox.com/scl/fi/x/a.mp4?rlkey=k&dl=1", "Dropbox"),
        ("https://1drv.ms/v/s!AbCdEf", _shares("https://1drv.ms/v/s!AbCdEf"), "OneDrive"),
        ("https://onedrive.live.com/embed?resid=A%211&authkey=%21k",
         "https://onedrive.live.com/download?resid=A%211&authkey=%21k", "OneDrive"),
        ("https://onedrive.live.com/?id=A%211&cid=A",
         _shares("https://onedrive.live.com/?id=A%211&cid=A"), "OneDrive"),
        ("https://corp-my.sharepoint.com/:v:/g/personal/a_b/EXYZ?e=abc",
         "https://corp-my.sharepoint.com/:v:/g/personal/a_b/EXYZ?e=abc&download=1", "SharePoint"),
        ("https://corp.sharepoint.com/:i:/s/team/EXYZ",
         "https://corp.sharepoint.com/:i:/s/team/EXYZ?download=1", "SharePoint"),
        ("https://github.com/o/r/blob/main/media/a.mp4",
         "https://github.com/o/r/raw/main/media/a.mp4", "GitHub"),
        ("https://github.com/o/r/blob/v1.0/a.mp4?raw=true#L1",
         "https://github.com/o/r/raw/v1.0/a.mp4?raw=true", "GitHub"),
        ("https://gist.github.com/o/0123456789abcdef0123",
         "https://gist.github.com/o/0123456789abcdef0123/raw", "GitHub Gist"),
        ("https://gitlab.com/g/s/p/-/blob/main/a.mp4", "https://gitlab.com/g/s/p/-/raw/main/a.mp4",
         "GitLab"),
        ("https://bitbucket.org/o/r/src/main/a.mp4", "https://bitbucket.org/o/r/raw/main/a.mp4",
         "Bitbucket"),
        ("https://huggingface.co/datasets/o/r/blob/main/a.wav",
         "https://huggingface.co/datasets/o/r/resolve/main/a.wav", "Hugging Face"),
        ("https://app.box.com/s/abcdefghijklmnop", "https://app.box.com/shared/static/abcdefghijklmnop",
         "Box"),
        ("https://commons.wikimedia.org/wiki/File:A_b%C3%A9.webm",
         "https://commons.wikimedia.org/wiki/Special:FilePath/A_b%C3%A9.webm", "Wikimedia Commons"),
        ("https://archive.org/details/item/a.mp4", "https://archive.org/download/item/a.mp4",
         "Internet Archive"),
    ],
)  # fmt: skip
def test_share_links_lead_to_the_file(link: str, target: str, service: str) -> None:
    assert direct(clean(link)) == Direct(target, service)
    assert direct(target) is None
    assert clean(target) == target


@pytest.mark.parametrize(
    "link",
    [
        "https://example.com/file/d/abc/view", "https://drive.google.com/", DRIVE,
        "https://drive.google.com.example.com/file/d/1234567890/view",
        "https://www.dropbox.com/s/abc/a.mp4?dl=1", "https://www.dropbox.com/s/abc/a.mp4?raw=1",
        "https://dl.dropboxusercontent.com/s/abc/a.mp4", "https://github.com/o/r/releases/a.mp4",
        "https://raw.githubusercontent.com/o/r/main/a.mp4", "gs://uploads/x/y",
        "https://i.ytimg.com/vi/x/hq720.jpg", "https://video.twimg.com/a.mp4",
        "https://player.vimeo.com/external/1.hd.mp4?s=x", "https://notyoutube.com/a.mp4",
        "https://youtube.com.example/a.mp4", "https://cdn.loom.com/a.mp4",
    ],
)  # fmt: skip
def test_other_links_stay(link: str) -> None:
    assert direct(link) is None


@pytest.mark.parametrize(
    ("link", "name"),
    [
        ("https://www.youtube.com/watch?v=x", "YouTube"), ("https://youtu.be/x", "YouTube"),
        ("https://m.youtube.com/shorts/x", "YouTube"), ("http://YouTube.com./x", "YouTube"),
        ("https://vimeo.com/123", "Vimeo"), ("https://player.vimeo.com/video/1", "Vimeo"),
        ("https://www.instagram.com/reel/x/", "Instagram"),
        ("https://www.tiktok.com/@a/video/1", "TikTok"), ("https://vm.tiktok.com/x", "TikTok"),
        ("https://www.facebook.com/watch?v=1", "Facebook"), ("https://fb.watch/x", "Facebook"),
        ("https://twitter.com/a/status/1", "X (Twitter)"), ("https://x.com/a", "X (Twitter)"),
        ("https://mobile.twitter.com/a", "X (Twitter)"), ("https://www.twitch.tv/x", "Twitch"),
        (f"https://drive.google.com/drive/folders/{ID}", "Google Drive"),
        (f"https://docs.google.com/document/d/{ID}/edit", "Google Docs"),
        ("https://www.dropbox.com/scl/fo/x/y?dl=0", "Dropbox"),
        ("https://corp.sharepoint.com/:f:/g/x", "SharePoint"), ("https://we.tl/t-x", "WeTransfer"),
    ],
)  # fmt: skip
def test_pages_without_a_file_are_explained(link: str, name: str) -> None:
    with pytest.raises(PageLink, match=r"not a media file|gives no public link") as error:
        direct(clean(link))
    assert name in str(error.value)
    assert "upload" in str(error.value) or "Link" in str(error.value)
