"""A bounded queue between two threads that either side can end: nobody waits for ever for one that is gone."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Channel(Generic[Item]):
    """Safe for all threads."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._items: deque[Item] = deque()
        self._changed = threading.Condition()
        self._ended = False

    def put(self, item: Item) -> bool:
        """Result: False where the other side has ended it; waits while there is no room."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or len(self._items) < self._room)
            if self._ended:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def get(self) -> Item | None:
        """Result: the oldest item; None once the channel is ended and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or bool(self._items))
            if not self._items:
                return None
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def end(self, *, drop: bool = False) -> None:
        """Nothing more is put; what is in it is still taken, unless it is to be dropped."""
        with self._changed:
            self._ended = True
            if drop:
                self._items.clear()
            self._changed.notify_all()
