import { useEffect, useRef } from "preact/hooks";
import { duration, t } from "../lib/i18n";
import type { Player } from "./player";

const stepSeconds = 5;

/** Progress shows how far the video is, and goes elsewhere in it: by dragging, or with the arrow keys. It draws without rendering. */
export function Progress({ player, durationMs }: { player: Player; durationMs: number }) {
  const bar = useRef<HTMLDivElement>(null);
  const fill = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const { element } = player;
    let frame = 0;
    const length = () => (Number.isFinite(element.duration) && element.duration > 0 ? element.duration : durationMs / 1000 || 1);
    const draw = () => {
      if (fill.current) fill.current.style.transform = `scaleX(${Math.min(1, element.currentTime / length())})`;
      frame = requestAnimationFrame(draw);
    };
    const say = () => {
      const node = bar.current;
      if (!node) return;
      node.setAttribute("aria-valuemax", String(Math.round(length())));
      node.setAttribute("aria-valuenow", String(Math.round(element.currentTime)));
      node.setAttribute("aria-valuetext", `${duration(element.currentTime * 1000)} / ${duration(length() * 1000)}`);
    };
    draw();
    say();
    element.addEventListener("timeupdate", say);
    return () => {
      cancelAnimationFrame(frame);
      element.removeEventListener("timeupdate", say);
    };
  }, [player, durationMs]);

  const seek = (event: PointerEvent) => {
    const node = bar.current;
    const { element } = player;
    if (!node || !Number.isFinite(element.duration)) return;
    const box = node.getBoundingClientRect();
    element.currentTime = Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * element.duration;
  };

  return (
    <div
      ref={bar}
      class="progress"
      role="slider"
      tabIndex={0}
      aria-label={t("player.progress")}
      aria-valuemin={0}
      aria-valuenow={0}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        seek(event);
      }}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) seek(event);
      }}
      onKeyDown={(event) => {
        const step = event.key === "ArrowRight" ? stepSeconds : event.key === "ArrowLeft" ? -stepSeconds : 0;
        if (!step) return;
        event.preventDefault();
        player.element.currentTime = Math.max(0, Math.min(player.element.duration || 0, player.element.currentTime + step));
      }}
    >
      <div class="progress-track">
        <div ref={fill} class="progress-fill" />
      </div>
    </div>
  );
}
