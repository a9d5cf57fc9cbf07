import{B as f,p as t,y as e}from"./chunk-HCY2RLTO.js";function o(){return t(e("feed.title")),f("h1",{children:e("feed.title")})}export{o as default};
